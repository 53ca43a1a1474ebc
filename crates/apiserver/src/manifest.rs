//! A pod of a file, read as a kubelet reads it: with all defaults and checked, and without asking anybody.
// Models pkg/kubelet/config/common.go tryDecodeSinglePod

use crate::authentication::core;
use crate::decode;
use crate::handlers::Call;
use crate::request_info::RequestInfo;
use crate::server::ApiServer;
use crate::status;
use crate::validation::Errors;
use api::resources::PODS;
use api::{Method, Request, Status, Value, meta};
use sim::Time;

impl ApiServer {
    /// Returns a pod with all its defaults.
    ///
    /// # Errors
    /// What is wrong with it, as the API server would say it.
    pub fn read_manifest(&self, now: Time, pod: &Value) -> Result<Value, Status> {
        let Some(rest) = core("pods") else { return Err(status::no_such_path()) };
        let request = Request::new(Method::Post, PODS.collection(meta::namespace(pod))).body(pod);
        let info = RequestInfo::new(&request);
        let mut call = Call::new(now, &request, &info, rest);
        let pod = decode::object(&mut call, pod, &Value::Null)?;
        let mut errors = Errors::default();
        (rest.strategy.validate)(&pod, &mut errors);
        status::check(rest, meta::name(&pod), errors)?;
        Ok(pod)
    }
}
