//! The rules of names, versions, tags, indexes and resolving.
