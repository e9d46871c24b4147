//! `pinnace rollback`: deploys an earlier release again.

use pinnace_build::{Cache, Env};
use pinnace_deploy::{Host, Rollback as Job, ServiceName, deployment_record};
use pinnace_store::Deployment;

use super::releases::open;
use crate::{
    Failure, agents, arguments::Rollback, deployments, output::Output, progress::Reporter,
};

pub(crate) fn run(arguments: &Rollback, env: &Env, output: Output) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, env, output)?;
    let client = agents::client(&arguments.store.agent, None, env)?;
    let service: ServiceName = arguments.service.parse()?;
    let roll_back = || -> Result<Deployment, Failure> {
        let cache = Cache::open(&env.cache_folder()?)?;
        let host = client.as_ref().map(|client| client as &dyn Host);
        let record = deployment_record(&env.folder, None, env);
        let job = Job::new(&store, &cache, &service).on(host).to(arguments.to);
        Ok(job.run(record, arguments.reason.as_deref())?)
    };
    let deployment = roll_back().map_err(|failure| interrupt.explain(failure))?;
    let line = deployments::line(&deployment, env.now);
    let mut text = format!("{service} generation {}", line.trim());
    let mut json = deployments::as_json(&deployment);
    json["service"] = service.as_str().into();
    if let Some(client) = &client {
        let reporter = Reporter::new(output, interrupt);
        let (generation, release) = (deployment.generation, deployment.release.as_ref());
        let rollout = client.wait_for_rollout(service.as_str(), generation, release, &reporter)?;
        reporter.clear();
        rollout.check(service.as_str(), generation, client.url())?;
        let address = rollout.address.as_ref();
        text.push_str("\nlive");
        text.extend(address.map(|address| format!(" at {address}")));
        json["live"] = true.into();
        json["address"] = rollout.address.into();
    }
    output.result(&text, &json)
}
