//! Commands that wait.

use crate::testing::{Fake, words};
use crate::{Command, Config, Step, StreamRead};
use api::{EventType, Method, Response, Value, WatchEvent, tree};
use sim::{SECOND, Time};

const COLLECTION: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment(updated: i64) -> Value {
    tree!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "generation": 1},
        "spec": {"replicas": 2},
        "status": {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": (updated),
            "availableReplicas": (updated),
            "conditions": [{"type": "Available", "status": "False"}],
        },
    })
}

/// A server whose list has the object, and whose watch is stream 7.
fn host(object: Value) -> Fake {
    let mut fake = Fake::default();
    let list =
        tree!({"kind": "DeploymentList", "metadata": {"resourceVersion": "5"}, "items": [(object.clone())]});
    let mut answer = Response::new(200, list);
    answer.stream = 7;
    fake.answers.insert(format!("Get {COLLECTION}"), answer);
    fake.answer(Method::Get, &format!("{COLLECTION}/web"), object);
    fake
}

fn event(event: EventType, object: Value) -> WatchEvent {
    WatchEvent { event, object }
}

#[test]
fn rollout_status_follows_until_it_is_done() {
    let mut fake = host(deployment(1));
    let mut config = Config::new("x", "c", "", "admin");
    let mut command = Command::new(words("kubectl rollout status deploy/web"), None);
    let step = command.step(&mut fake, &mut config);
    assert_eq!(step, Step::Wait { until: None, stream: 7, input: false });
    assert_eq!(
        std::mem::take(&mut fake.printed),
        "Waiting for deployment \"web\" rollout to finish: 1 out of 2 new replicas have been updated...\n"
    );
    let mut other = command.clone();
    fake.events(7, vec![event(EventType::Modified, deployment(2))]);
    assert_eq!(command.step(&mut fake, &mut config), Step::Done(0));
    assert_eq!(std::mem::take(&mut fake.printed), "deployment \"web\" successfully rolled out\n");
    fake.events(7, vec![event(EventType::Deleted, deployment(2))]);
    assert_eq!(other.step(&mut fake, &mut config), Step::Done(1));
    assert_eq!(fake.printed, "error: object has been deleted\n");
}

#[test]
fn waits_for_conditions_until_its_time_is_up() {
    let mut fake = host(deployment(1));
    let (got, step) = fake.run("kubectl wait --for=condition=Available deploy/web --timeout=20s");
    assert_eq!(got, "");
    let until = Some(Time::EPOCH + 20 * SECOND);
    assert_eq!(step, Step::Wait { until, stream: 7, input: false });
    let (got, _) = fake.run("kubectl wait --for=condition=Available deploy/web --timeout=0s");
    assert_eq!(got, "error: timed out waiting for the condition on deployments/web\n");
    let (got, _) = fake.run("kubectl wait --for=condition=available=false deploy/web");
    assert_eq!(got, "deployment.apps/web condition met\n");
}

#[test]
fn delete_waits_until_the_object_is_gone() {
    let mut fake = host(deployment(2));
    fake.answer(
        Method::Delete,
        &format!("{COLLECTION}/web"),
        tree!({"kind": "Status", "details": {"uid": "u"}}),
    );
    let mut config = Config::new("x", "c", "", "admin");
    let mut command = Command::new(words("kubectl delete deploy web"), None);
    let step = command.step(&mut fake, &mut config);
    assert!(matches!(step, Step::Wait { stream: 7, .. }), "{step:?}");
    assert_eq!(fake.printed, "deployment.apps \"web\" deleted from default namespace\n");
    fake.events(7, vec![event(EventType::Deleted, deployment(2))]);
    assert_eq!(command.step(&mut fake, &mut config), Step::Done(0));
}

#[test]
fn processes_print_and_pass_their_exit_code_on() {
    let mut fake = Fake::default();
    let pod = tree!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}]},
        "status": {"phase": "Running"},
    });
    fake.answer(Method::Get, "/api/v1/namespaces/default/pods/p", pod);
    let mut answer = Response::new(200, Value::Null);
    answer.stream = 9;
    fake.answers.insert("Post /api/v1/namespaces/default/pods/p/exec".into(), answer);
    fake.streams
        .insert(9, [StreamRead::Bytes("hi\n".into()), StreamRead::Exit(3), StreamRead::Closed].into());
    let (got, step) = fake.run("kubectl exec p -- cat /x");
    assert_eq!(got, "Defaulted container \"a\" out of: a, b\nhi\ncommand terminated with exit code 3\n");
    assert_eq!(step, Step::Done(3));
    let asked: Vec<&str> = fake
        .requests
        .last()
        .unwrap()
        .query
        .iter()
        .filter(|(key, _)| key == "command")
        .map(|(_, word)| word.as_str())
        .collect();
    assert_eq!(asked, ["cat", "/x"]);
    fake.streams.insert(9, [StreamRead::Closed].into());
    fake.run_with("kubectl exec -i p -c b -- cat", Some("piped".into()));
    assert_eq!(fake.written, "piped");
    let (got, _) = fake.run("kubectl attach p -c z");
    assert_eq!(got, "error: container z not found in pod p\n");
}

#[test]
fn ctrl_c_ends_a_watch() {
    let mut fake = host(deployment(1));
    let mut config = Config::new("x", "c", "", "admin");
    let mut command = Command::new(words("kubectl get deploy -w -o name"), None);
    assert_eq!(command.step(&mut fake, &mut config), Step::Wait { until: None, stream: 7, input: false });
    fake.events(7, vec![event(EventType::Modified, deployment(2))]);
    command.step(&mut fake, &mut config);
    assert_eq!(fake.printed, "deployment.apps/web\ndeployment.apps/web\n");
    assert_eq!(command.interrupt(&mut fake), Step::Done(130));
    assert_eq!(command.step(&mut fake, &mut config), Step::Done(130));
}
