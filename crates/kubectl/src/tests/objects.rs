//! Reading and changing objects.

use crate::Step;
use crate::testing::Fake;
use api::{Method, PatchType, Response, Status, Value, tree};

fn deployment() -> Value {
    tree!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "nginx:1"}]},
            },
        },
    })
}

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn with_deployment() -> Fake {
    let mut fake = Fake::default();
    fake.answer(Method::Get, DEPLOYMENT, deployment());
    fake.answer(Method::Patch, DEPLOYMENT, deployment());
    fake
}

#[test]
fn sets_an_image_by_a_strategic_patch() {
    let mut fake = with_deployment();
    let (got, _) = fake.run("kubectl set image deploy/web c=nginx:2");
    assert_eq!(got, "deployment.apps/web image updated\n");
    let patch = fake.requests.last().unwrap();
    assert_eq!(patch.patch, PatchType::StrategicMerge);
    assert_eq!(
        patch.body["spec"]["template"]["spec"]["containers"],
        tree!([{"image": "nginx:2", "name": "c"}])
    );
    for (line, want) in [
        ("kubectl set image deploy/web c=nginx:1", ""),
        ("kubectl set image deploy/web nope=x", "error: unable to find container named \"nope\"\n"),
        ("kubectl set env deploy/web A=1", "deployment.apps/web env updated\n"),
        ("kubectl set env deploy/web --list", "# Deployment web, container c\n"),
        ("kubectl rollout pause deploy/web", "deployment.apps/web paused\n"),
        ("kubectl rollout resume deploy/web", "error: deployments.apps \"web\" is not paused\n"),
        ("kubectl rollout restart deploy/web", "deployment.apps/web restarted\n"),
        ("kubectl label deploy web app=web", "deployment.apps/web not labeled\n"),
        (
            "kubectl label deploy web app=x",
            "error: 'app' already has a value (web), and --overwrite is false\n",
        ),
        ("kubectl annotate deploy web a=b", "deployment.apps/web annotated\n"),
        ("kubectl expose deploy web", "error: couldn't find port via --port flag or introspection\n"),
        (
            "kubectl delete deploy web --dry-run=client",
            "deployment.apps \"web\" deleted (dry run) from default namespace\n",
        ),
        ("kubectl patch deploy web -p '{}'", "deployment.apps/web patched (no change)\n"),
        ("kubectl get deploy web -o name", "deployment.apps/web\n"),
        ("kubectl get deploy nope", "Error from server (NotFound): things \"nope\" not found\n"),
        ("kubectl get deploy nope --ignore-not-found", ""),
    ] {
        assert_eq!(with_deployment().run(line).0, want, "{line}");
    }
}

#[test]
fn records_the_command() {
    let mut fake = with_deployment();
    let (got, _) = fake.run("kubectl set image deploy/web c=nginx:2 --record");
    assert_eq!(
        got,
        "Flag --record has been deprecated, --record will be removed in the future\ndeployment.apps/web image updated\n"
    );
    let patch = &fake.requests.last().unwrap().body;
    assert_eq!(
        patch["metadata"]["annotations"]["kubernetes.io/change-cause"].str(),
        "kubectl set image deploy/web c=nginx:2 --record=true"
    );
}

#[test]
fn shows_what_expose_makes() {
    let (got, _) = with_deployment().run(
        "kubectl expose deploy web --port=80 --target-port=http --type=NodePort --dry-run=client -o yaml",
    );
    assert_eq!(
        got,
        "apiVersion: v1\nkind: Service\nmetadata:\n  labels:\n    app: web\n  name: web\nspec:\n  ports:\n  - port: 80\n    protocol: TCP\n    targetPort: http\n  selector:\n    app: web\n  type: NodePort\nstatus:\n  loadBalancer: {}\n"
    );
}

#[test]
fn prints_tables() {
    let mut fake = Fake::default();
    let row = |cells: Value, name: &str| tree!({"cells": (cells), "object": {"metadata": {"name": name, "namespace": "default", "labels": {"a": "b"}}}});
    let columns = tree!([
        {"name": "Name", "priority": 0},
        {"name": "Status", "priority": 0},
        {"name": "Node", "priority": 1},
    ]);
    let table = tree!({
        "kind": "Table",
        "columnDefinitions": (&columns),
        "rows": [(row(tree!(["one", "Running", "n1"]), "one")), (row(tree!(["a-second", "Pending", "n2"]), "a-second"))],
    });
    let empty = tree!({"kind": "Table", "columnDefinitions": (columns), "rows": []});
    fake.answer(Method::Get, "/api/v1/namespaces/default/pods", table.clone());
    fake.answer(Method::Get, "/api/v1/pods", table);
    fake.answer(Method::Get, "/api/v1/namespaces/default/services", empty);
    for (line, want) in [
        ("kubectl get po", "NAME       STATUS\none        Running\na-second   Pending\n"),
        (
            "kubectl get po -o wide",
            "NAME       STATUS    NODE\none        Running   n1\na-second   Pending   n2\n",
        ),
        (
            "kubectl get po -A",
            "NAMESPACE   NAME       STATUS\ndefault     one        Running\ndefault     a-second   Pending\n",
        ),
        ("kubectl get po --no-headers", "one        Running\na-second   Pending\n"),
        (
            "kubectl get po -L a --show-labels",
            "NAME       STATUS    A     LABELS\none        Running   b     a=b\na-second   Pending   b     a=b\n",
        ),
        ("kubectl get svc,po", "NAME           STATUS\npod/one        Running\npod/a-second   Pending\n"),
        ("kubectl get svc", "No resources found in default namespace.\n"),
        (
            "kubectl get po --sort-by=.metadata.name",
            "NAME       STATUS\na-second   Pending\none        Running\n",
        ),
    ] {
        assert_eq!(fake.run(line).0, want, "{line}");
    }
}

#[test]
fn applies_and_reports() {
    const FILE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  a: <b>\n";
    const PATH: &str = "/api/v1/namespaces/default/configmaps/cm";
    let mut fake = Fake::default();
    fake.files.insert("cm.yaml".into(), FILE.into());
    let created = tree!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cm", "namespace": "default"},
        "data": {"a": "<b>"},
    });
    fake.answer(Method::Post, "/api/v1/namespaces/default/configmaps", created.clone());
    assert_eq!(fake.run("kubectl apply -f cm.yaml").0, "configmap/cm created\n");
    let sent = fake.requests.last().unwrap().body.clone();
    let annotation =
        sent["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].str();
    assert_eq!(
        annotation,
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"\\u003cb\\u003e\"},\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{},\"name\":\"cm\",\"namespace\":\"default\"}}\n"
    );
    fake.answer(Method::Get, PATH, sent);
    assert_eq!(fake.run("kubectl apply -f cm.yaml").0, "configmap/cm unchanged\n");
    fake.answer(Method::Get, PATH, created.clone());
    fake.answer(Method::Patch, PATH, created);
    let (got, _) = fake.run("kubectl apply -f cm.yaml");
    assert!(
        got.starts_with("Warning: resource configmaps/cm is missing the kubectl.kubernetes.io/last-applied")
    );
    assert!(got.ends_with("\nconfigmap/cm configured\n"), "{got}");
}

#[test]
fn tells_the_servers_refusals() {
    let mut fake = Fake::default();
    fake.files.insert("p.yaml".into(), "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n".into());
    let path = "Post /api/v1/namespaces/default/pods";
    fake.answers.insert(path.into(), Response::from(Status::bad_request("no good")));
    assert_eq!(
        fake.run("kubectl apply -f p.yaml"),
        ("Error from server (BadRequest): error when creating \"p.yaml\": no good\n".into(), Step::Done(1))
    );
    let refusal = Status::already_exists("pods", "a");
    fake.answers.insert(path.into(), Response::from(refusal));
    assert_eq!(
        fake.run("kubectl run a --image=x").0,
        "Error from server (AlreadyExists): pods \"a\" already exists\n"
    );
    let mut warned =
        Response::new(201, tree!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}));
    warned.warnings = vec!["careful".into()];
    fake.answers.insert(path.into(), warned);
    assert_eq!(fake.run("kubectl apply -f p.yaml").0, "Warning: careful\npod/a created\n");
}
