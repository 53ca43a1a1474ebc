//! Who may do what.
//!
//! As in most clusters the authorisers are Node and RBAC. Kubelets may do what the node authorizer's rules
//! say; which Secrets a node's pods use is not looked at.

mod impersonation;
pub(crate) mod policy;
mod rbac;
pub(crate) mod rules;

pub(crate) use rbac::{Rbac, is_master, is_policy};

use crate::request_info::RequestInfo;
use api::{Request, Status, User};

/// What is to be done, as authorisers see it.
// Models staging/src/k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go Attributes
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) user: &'a User,
    pub(crate) verb: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) name: &'a str,
    /// The path, where it is no resource.
    pub(crate) path: &'a str,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(request: &'a Request, info: &RequestInfo<'a>) -> Attributes<'a> {
        Attributes {
            user: &request.user,
            verb: info.verb,
            namespace: info.namespace,
            group: info.group,
            resource: info.resource,
            subresource: info.subresource,
            name: info.name,
            path: if info.is_resource { "" } else { &request.path },
        }
    }

    /// Says that it may not be done.
    // Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go ForbiddenStatusError
    fn forbidden(&self, reason: &str) -> Status {
        let user = &self.user.name;
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        if self.resource.is_empty() {
            let message =
                format!("forbidden: User {user:?} cannot {} path {:?}{because}", self.verb, self.path);
            return Status::new(403, "Forbidden", message);
        }
        let mut resource = self.resource.to_string();
        if !self.subresource.is_empty() {
            resource = format!("{resource}/{}", self.subresource);
        }
        let scope = if self.namespace.is_empty() {
            "at the cluster scope".to_string()
        } else {
            format!("in the namespace {:?}", self.namespace)
        };
        let why = format!(
            "User {user:?} cannot {} resource {resource:?} in API group {:?} {scope}{because}",
            self.verb, self.group
        );
        let group_resource = if self.group.is_empty() {
            self.resource.to_string()
        } else {
            format!("{}.{}", self.resource, self.group)
        };
        Status::forbidden(&group_resource, self.name, &why)
    }
}

/// Lets it pass, or not.
///
/// # Errors
/// Forbidden, in upstream's words.
pub(crate) fn authorize(rbac: &Rbac, attributes: &Attributes) -> Result<(), Status> {
    if rbac.allows(attributes) { Ok(()) } else { Err(attributes.forbidden(&rbac.decide(attributes).reason)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::Method;

    #[test]
    fn refuses_in_upstream_s_words() {
        for (method, path, message) in [
            (
                Method::Get,
                "/apis/apps/v1/namespaces/default/deployments",
                "deployments.apps is forbidden: User \"kubernetes-admin\" cannot list resource \"deployments\" in \
                 API group \"apps\" in the namespace \"default\"",
            ),
            (
                Method::Delete,
                "/api/v1/namespaces/default/pods/x",
                "pods \"x\" is forbidden: User \"kubernetes-admin\" cannot delete resource \"pods\" in API group \"\" \
                 in the namespace \"default\"",
            ),
            (
                Method::Get,
                "/api/v1/nodes",
                "nodes is forbidden: User \"kubernetes-admin\" cannot list resource \"nodes\" in API group \"\" at \
                 the cluster scope",
            ),
            (Method::Get, "/version", "forbidden: User \"kubernetes-admin\" cannot get path \"/version\""),
        ] {
            let request = Request::new(method, path);
            let info = RequestInfo::new(&request);
            assert_eq!(Attributes::new(&request, &info).forbidden("").message, message);
        }
    }
}
