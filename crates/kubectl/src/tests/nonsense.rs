//! Nothing that can be typed makes kubectl panic or go on for ever.

use crate::testing::Fake;
use crate::{Command, Config, Step};
use api::tree;
use sim::Chance;

/// How many lines are tried.
const LINES: u64 = 2_500;
/// How often one is stepped at most.
const STEPS: u32 = 40;

const VERBS: &[&str] = &[
    "get",
    "describe",
    "create",
    "create deployment",
    "create configmap",
    "create secret",
    "create service nodeport",
    "create job",
    "create quota",
    "run",
    "expose",
    "delete",
    "apply",
    "edit",
    "label",
    "annotate",
    "patch",
    "replace",
    "scale",
    "autoscale",
    "rollout status",
    "rollout undo",
    "rollout history",
    "rollout restart",
    "set image",
    "set env",
    "set resources",
    "set selector",
    "logs",
    "exec",
    "attach",
    "port-forward",
    "cp",
    "wait",
    "explain",
    "api-resources",
    "config view",
    "config set-context",
    "config unset",
    "taint",
    "drain",
    "cordon",
    "top pod",
    "events",
    "diff",
    "version",
    "cluster-info",
    "auth can-i",
    "help",
    "options",
    "completion",
    "",
];

const WORDS: &[&str] = &[
    "pod",
    "pods",
    "po",
    "deploy/web",
    "deployment",
    "svc",
    "node",
    "node/a",
    "all",
    "pod,svc",
    "web",
    "a",
    "b=c",
    "b-",
    "b=",
    "=c",
    "a:b",
    "8080:80",
    ":80",
    "80",
    "pod/a",
    "pod/",
    "/a",
    "a/b/c",
    "",
    "-",
    "--",
    "-A",
    "-n",
    "-n=x",
    "-l",
    "-l=a in (b",
    "-o",
    "-ojson",
    "-o=yaml",
    "-o=jsonpath={.a",
    "-o=jsonpath={range .x}{end}",
    "-o=jsonpath={.a[?(@.b",
    "-o=custom-columns=A:.b[",
    "-o=custom-columns=",
    "-o=go-template={{.a}}",
    "-o=go-template={{range",
    "-o=name",
    "--sort-by={.a",
    "--sort-by=.a.b",
    "--field-selector=a!=b,c",
    "--show-labels",
    "-w",
    "-f",
    "f.yaml",
    "-f=f.yaml",
    "-f=bad.yaml",
    "-f=-",
    "-f=/",
    "--image=nginx",
    "--image=",
    "--replicas=3",
    "--replicas=x",
    "--replicas=-1",
    "--replicas=99999999999999999999",
    "--port=80",
    "--port=x",
    "--tcp=80:x:9",
    "--type=json",
    "-p={}",
    "-p=[",
    "-p=[{}]",
    "--type=merge",
    "--type=x",
    "--patch=a: [",
    "--dry-run=client",
    "--dry-run",
    "--dry-run=x",
    "--from-literal=a=b",
    "--from-literal=a",
    "--from-file=f.yaml",
    "--from-file==",
    "--env=A=b",
    "--env=A",
    "--for=condition=Ready",
    "--for=jsonpath={.a}=b",
    "--for=",
    "--timeout=1s",
    "--timeout=x",
    "--timeout=-1s",
    "--tail=x",
    "--tail=-5",
    "--since=1h",
    "--since=99999999h",
    "-c=a",
    "-it",
    "-ti",
    "-i",
    "--rm",
    "--restart=Never",
    "--command",
    "--to-revision=x",
    "--grace-period=0",
    "--force",
    "--all",
    "--overwrite",
    "--list",
    "--limits=cpu=1",
    "--limits=cpu",
    "--hard=a=b",
    "--recursive",
    "--raw=/x",
    "--context=x",
    "--context=nope",
    "--as=bob",
    "--v=9",
    "--help",
    "-h",
    "-x",
    "---",
    "-=",
    "--=",
    "한글",
    "\u{a0}",
    "a\u{a0}b",
    "💥",
    "'",
    "\"",
    "{",
    "{{",
    "$(",
    "\\",
    "%s",
    "\n",
    "a\tb",
    "k=v:NoSchedule",
    "k:NoExecute-",
    "k=v:",
    "*=nginx",
    "metadata.name",
    "pod.spec.containers",
    "pod.",
];

fn line(chance: &Chance, n: u64) -> Vec<String> {
    let pick = |list: &[&'static str], purpose: &'static str, i: u64| {
        let at = chance.between(purpose, &n.to_string(), i, 0, list.len() as i64 - 1);
        list[usize::try_from(at).unwrap()]
    };
    let mut words = vec!["kubectl".to_string()];
    words.extend(pick(VERBS, "verb", 0).split(' ').filter(|word| !word.is_empty()).map(str::to_string));
    let count = chance.between("count", &n.to_string(), 0, 0, 6).unsigned_abs();
    words.extend((0..count).map(|i| pick(WORDS, "word", i).to_string()));
    words
}

fn machine(n: u64) -> Fake {
    let object = tree!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "default", "labels": {"b": "1"}, "resourceVersion": "7"},
        "spec": {"containers": [{"name": "a", "image": "nginx"}], "replicas": 1, "selector": {}},
        "status": {"phase": "Running"},
        "items": [{"metadata": {"name": "a"}, "spec": 1}, 2],
    });
    let mut fake = Fake { default: (!n.is_multiple_of(3)).then_some(object), ..Fake::default() };
    let file = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n";
    fake.files.insert("f.yaml".to_string(), file.to_string());
    fake.files.insert("bad.yaml".to_string(), "a: [\n\tb: {".to_string());
    fake
}

#[test]
fn survives_nonsense() {
    let chance = Chance::new(17);
    let mut ended = 0;
    for n in 0..LINES {
        let words = line(&chance, n);
        let mut fake = machine(n);
        let mut config = Config::new("x", "cluster", "https://10.96.0.1", "admin");
        let stdin = n.is_multiple_of(2).then(|| "kind: List\nitems: [1]\n".to_string());
        let mut command = Command::new(words.clone(), stdin);
        for step in 0..STEPS {
            match command.step(&mut fake, &mut config) {
                Step::Done(_) => {
                    ended += 1;
                    break;
                }
                Step::Edit { .. } => command.edited((step == 0).then(|| "{".to_string())),
                Step::Wait { .. } => {}
            }
        }
        command.interrupt(&mut fake);
        assert!(matches!(command.step(&mut fake, &mut config), Step::Done(_)), "{words:?}");
        assert!(fake.requests.len() < 1_000, "{words:?}");
    }
    assert!(ended > LINES / 2, "{ended}");
}
