//! Acting as somebody else.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation.go WithImpersonation

use super::{Attributes, authorize};
use crate::server::ApiServer;
use api::{Status, User};
use std::rc::Rc;

impl ApiServer {
    /// Returns the user as whom somebody wants to act: a name, and groups where some are asked for.
    ///
    /// # Errors
    /// Forbidden, where they may not.
    pub fn impersonate(&mut self, user: &User, name: &str, groups: &[String]) -> Result<User, Status> {
        self.read_policy();
        let ask = |resource: &str, namespace: &str, name: &str| {
            let attributes = Attributes {
                user,
                verb: "impersonate",
                namespace,
                group: "",
                resource,
                subresource: "",
                name,
                path: "",
            };
            authorize(&self.rbac, &attributes)
        };
        let account = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, account)) => ask("serviceaccounts", namespace, account)?,
            None => ask("users", "", name)?,
        }
        for group in groups {
            ask("groups", "", group)?;
        }
        let mut all: Vec<Rc<str>> = groups.iter().map(|group| group.as_str().into()).collect();
        if let (Some((namespace, _)), true) = (account, groups.is_empty()) {
            all.push("system:serviceaccounts".into());
            all.push(format!("system:serviceaccounts:{namespace}").into());
        }
        let common =
            if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
        if !all.iter().any(|group| &**group == common) {
            all.push(common.into());
        }
        Ok(User { name: name.into(), groups: all, ..User::default() })
    }
}
