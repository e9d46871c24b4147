use crate::digest::sha256_hex;

/// A project's page of a simple index (PEP 503 and PEP 691).
///
/// ```
/// use pinnace_test::Page;
///
/// let page = Page::new("moo").file("moo-1.0-py3-none-any.whl", "/files/moo.whl", "00ff");
/// assert!(page.json().contains(r#""hashes":{"sha256":"00ff"}"#));
/// assert!(page.html().contains(r#"<a href="/files/moo.whl#sha256=00ff">moo-1.0-py3"#));
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    project: String,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    file_name: String,
    url: String,
    sha256: String,
    size: Option<usize>,
}

impl Page {
    /// The content type of [`Page::json`].
    pub const JSON: &str = "application/vnd.pypi.simple.v1+json";
    /// The content type of [`Page::html`].
    pub const HTML: &str = "text/html";

    /// Returns a page without files.
    pub fn new(project: &str) -> Self {
        Self { project: project.to_owned(), rows: Vec::new() }
    }

    /// Adds a file with a digest in hexadecimal digits, right or wrong, and without a size.
    pub fn file(self, file_name: &str, url: &str, sha256: &str) -> Self {
        self.row(file_name, url, sha256.to_owned(), None)
    }

    /// Adds a file with the digest and the size of its content.
    pub fn content(self, file_name: &str, url: &str, content: &[u8]) -> Self {
        self.row(file_name, url, sha256_hex(content), Some(content.len()))
    }

    /// Returns the page as JSON.
    pub fn json(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(Row::json).collect();
        format!(
            r#"{{"meta":{{"api-version":"1.1"}},"name":"{}","files":[{}]}}"#,
            self.project,
            rows.join(",")
        )
    }

    /// Returns the page as HTML.
    pub fn html(&self) -> String {
        let rows: String = self.rows.iter().map(Row::html).collect();
        format!("<!DOCTYPE html>\n<title>{}</title>\n{rows}", self.project)
    }

    fn row(mut self, file_name: &str, url: &str, sha256: String, size: Option<usize>) -> Self {
        let (file_name, url) = (file_name.to_owned(), url.to_owned());
        self.rows.push(Row { file_name, url, sha256, size });
        self
    }
}

impl Row {
    fn json(&self) -> String {
        let Self { file_name, url, sha256, size } = self;
        let size = size.map(|size| format!(r#""size":{size},"#)).unwrap_or_default();
        format!(
            r#"{{"filename":"{file_name}","url":"{url}",{size}"hashes":{{"sha256":"{sha256}"}}}}"#
        )
    }

    fn html(&self) -> String {
        let Self { file_name, url, sha256, .. } = self;
        format!("<a href=\"{url}#sha256={sha256}\">{file_name}</a>\n")
    }
}
