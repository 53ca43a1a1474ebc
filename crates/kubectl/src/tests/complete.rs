//! Completion.

use crate::testing::{Fake, words};
use crate::{Config, complete};
use api::{Method, tree};

#[test]
fn offers_what_fits() {
    let mut fake = Fake::default();
    let list = |names: &[&str]| {
        let items = names.iter().map(|name| tree!({"metadata": {"name": (*name)}})).collect::<Vec<_>>();
        tree!({"items": (items)})
    };
    fake.answer(Method::Get, "/api/v1/namespaces/default/pods", list(&["web-1", "web-2", "db"]));
    fake.answer(Method::Get, "/api/v1/namespaces", list(&["default", "kube-system"]));
    fake.answer(Method::Get, "/apis/apps/v1/namespaces/kube-system/deployments", list(&["coredns"]));
    let pod = tree!({"spec": {"containers": [{"name": "main"}, {"name": "side"}]}});
    fake.answer(Method::Get, "/api/v1/namespaces/default/pods/web-1", pod);
    let crontabs = tree!({"groups": [{
        "name": "stable.example.com",
        "versions": [{"groupVersion": "stable.example.com/v1", "version": "v1"}],
    }]});
    fake.answer(Method::Get, "/apis", crontabs);
    let resources = tree!({"resources": [{
        "kind": "CronTab",
        "name": "crontabs",
        "namespaced": true,
        "shortNames": ["ct"],
        "singularName": "crontab",
        "verbs": ["get", "list", "watch"],
    }]});
    fake.answer(Method::Get, "/apis/stable.example.com/v1", resources);
    let path = "/apis/stable.example.com/v1/namespaces/default/crontabs";
    fake.answer(Method::Get, path, list(&["nightly", "weekly"]));
    let config = Config::new("x", "c", "", "admin");
    for (line, want) in [
        ("kubectl ro", vec!["rollout"]),
        ("kubectl rollout st", vec!["status"]),
        ("kubectl get dep", vec!["deploy", "deployment", "deployments"]),
        ("kubectl get pods web", vec!["web-1", "web-2"]),
        ("kubectl get pods web-1 web", vec!["web-2"]),
        ("kubectl get svc,daemon", vec!["svc,daemonset", "svc,daemonsets"]),
        ("kubectl get cront", vec!["crontab", "crontabs", "crontabs.stable.example.com"]),
        ("kubectl get ct", vec!["ct"]),
        ("kubectl describe ct n", vec!["nightly"]),
        ("kubectl logs d", vec!["db"]),
        ("kubectl logs web-1 -c ", vec!["main", "side"]),
        ("kubectl -n ", vec!["default", "kube-system"]),
        ("kubectl -n kube-system rollout status deploy/c", vec!["deploy/coredns"]),
        ("kubectl get pods --out", vec!["--output", "--output-watch-events"]),
        ("kubectl get pods -o ya", vec!["yaml"]),
        ("kubectl run x --restart=N", vec!["--restart=Never"]),
        ("kubectl exec web-1 -- l", vec![]),
        ("kubectl config use-context ", vec!["x"]),
    ] {
        assert_eq!(complete(&words(line), &mut fake, &config), want, "{line}");
    }
}
