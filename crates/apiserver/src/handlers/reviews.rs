//! Who am I, and may I?
// Models pkg/registry/authorization/selfsubjectaccessreview/rest.go

use super::Call;
use crate::authentication;
use crate::authorization::Attributes;
use crate::server::ApiServer;
use crate::status;
use api::{Response, Status, User, Value, tree};

impl ApiServer {
    /// Answers a review. Nothing of it is stored.
    pub(crate) fn review(&mut self, call: &Call) -> Result<Response, Status> {
        let body = &call.request.body;
        let answer = match call.rest.kind.kind {
            "SelfSubjectAccessReview" => self.access(&call.request.user, body),
            "SubjectAccessReview" | "LocalSubjectAccessReview" => {
                let groups: Vec<&str> = body["spec"]["groups"].items().iter().map(Value::str).collect();
                self.access(&User::new(body["spec"]["user"].str(), &groups), body)
            }
            "SelfSubjectRulesReview" => self.rules(&call.request.user, body["spec"]["namespace"].str()),
            "SelfSubjectReview" => {
                tree!({"userInfo": (authentication::user_info(&call.request.user))})
            }
            "TokenReview" => self.review_token(call, body),
            _ => return Err(status::method_not_allowed()),
        };
        let mut review = body.clone();
        review.set(&["apiVersion"], call.rest.api_version.as_str());
        review.set(&["kind"], call.rest.kind.kind);
        review.set(&["status"], answer);
        Ok(Response::new(201, review))
    }

    // Models pkg/registry/authentication/tokenreview/storage.go Create
    fn review_token(&self, call: &Call, review: &Value) -> Value {
        let audiences: Vec<String> =
            review["spec"]["audiences"].items().iter().map(|audience| audience.str().to_string()).collect();
        match self.holder(call.now, review["spec"]["token"].str(), &audiences) {
            Some(holder) => {
                let audiences: Vec<Value> = holder.audiences.iter().map(Value::from).collect();
                let user = authentication::user_info(&holder.user);
                tree!({"authenticated": true, "user": user, "audiences": audiences})
            }
            None => tree!({"user": {}, "error": "[invalid bearer token, token lookup failed]"}),
        }
    }

    fn access(&mut self, user: &User, review: &Value) -> Value {
        let (wanted, path) =
            (&review["spec"]["resourceAttributes"], &review["spec"]["nonResourceAttributes"]);
        let attributes = Attributes {
            user,
            verb: if path.is_null() { wanted["verb"].str() } else { path["verb"].str() },
            namespace: wanted["namespace"].str(),
            group: wanted["group"].str(),
            resource: wanted["resource"].str(),
            subresource: wanted["subresource"].str(),
            name: wanted["name"].str(),
            path: path["path"].str(),
        };
        self.read_policy();
        let decision = self.rbac.decide(&attributes);
        let mut status = tree!({"allowed": (decision.allowed)});
        if !decision.reason.is_empty() {
            status.set(&["reason"], decision.reason);
        }
        status
    }

    // Models pkg/registry/authorization/selfsubjectrulesreview/rest.go Create
    fn rules(&mut self, user: &User, namespace: &str) -> Value {
        self.read_policy();
        let (mut resources, mut paths) = (Vec::new(), Vec::new());
        for rule in self.rbac.rules(user, namespace) {
            if !rule.resources.is_empty() {
                resources.push(rule.resource_rule());
            }
            if !rule.paths.is_empty() {
                paths.push(rule.path_rule());
            }
        }
        tree!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
    }
}
