//! The lessons' manifests as learners paste them: what mends them, and that they run once mended.

use cluster::{Cluster, Preset, mend};
use std::path::Path;
use view::{Answer, Ask, Input};

fn manifest(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons").join(name)).unwrap()
}

/// Every pasted manifest: the faults that are mended, and the first words of what remains to be said.
const PASTED: &[(&str, &[&str], &str)] = &[
    ("hello-deployment.pasted.yaml", &["noBreakSpaces", "blankLines", "oldVersion"], ""),
    ("hello-deployment-service.pasted.yaml", &["noBreakSpaces", "blankLines"], ""),
    ("recommended-labels.pasted.yaml", &["curlyQuotes"], "resource name may not be empty"),
    ("static-lb.pasted.yaml", &[], ""),
    ("web-deploy.pasted.yaml", &["tabs"], ""),
];

fn lesson() -> Cluster {
    Cluster::new(&Preset::named("lesson").unwrap(), 1)
}

fn verdict(
    cluster: &mut Cluster,
    name: &str,
    text: &str,
) -> (Vec<String>, Option<view::Mend>, Vec<(String, String)>) {
    match cluster.ask(&Ask::Verdict { name: name.to_string(), text: text.to_string() }) {
        Answer::Verdict { diagnostics, mend, outcome } => {
            let errors = diagnostics.into_iter().filter(|one| one.severity == view::Severity::Error);
            (errors.map(|one| one.message).collect(), mend, outcome)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pasted_manifests_are_mended_and_run() {
    let mut cluster = lesson();
    for (name, faults, rest) in PASTED {
        let text = manifest(name);
        let mended = mend(&text).map(|(_, text)| text);
        let (errors, offered, _) = verdict(&mut cluster, name, &text);
        let told = offered.as_ref().map_or(Vec::new(), |offered| offered.faults.clone());
        assert_eq!(&told, faults, "{name}");
        assert_eq!(offered.as_ref().map(|offered| offered.text.clone()), mended, "{name}");
        assert!(
            !errors.is_empty() || faults.is_empty() || *name == "recommended-labels.pasted.yaml",
            "{name}: what is wrong is told"
        );
        let mended = mended.unwrap_or(text);
        let (errors, offered, outcome) = verdict(&mut cluster, name, &mended);
        assert_eq!(offered, None, "{name}: mending twice changes nothing");
        assert_eq!(errors.is_empty(), rest.is_empty(), "{name}: {errors:?}");
        assert_eq!(outcome.is_empty(), !rest.is_empty(), "{name}: {outcome:?}");
        cluster.input(Input::WriteFile { name: "mended.yaml".to_string(), text: mended });
        let answer = cluster.run_line("kubectl apply -f mended.yaml");
        if rest.is_empty() {
            assert!(answer.contains(" created\n"), "{name}: {answer}");
        } else {
            assert!(answer.contains(rest), "{name}: {answer}");
        }
    }
    cluster.run_until_settled(40 * sim::SECOND);
    cluster.sleep(10);
    let pods = cluster.run_line("kubectl get pods --no-headers");
    assert_eq!(pods.lines().filter(|line| line.contains("1/1   Running")).count(), 6, "{pods}");
}

#[test]
fn plain_manifests_need_no_mending() {
    let mut cluster = lesson();
    let plain = [
        "counter-lb.yaml",
        "counter-np.yaml",
        "counter.yaml",
        "daemonset.yaml",
        "echo-deploy.yaml",
        "external-ips.yaml",
        "nginx-deployment.yaml",
        "redis.yaml",
        "workns.yaml",
    ];
    for name in plain {
        let (errors, offered, outcome) = verdict(&mut cluster, name, &manifest(name));
        assert_eq!((errors, offered), (vec![], None), "{name}");
        assert!(outcome.iter().all(|(_, word)| word == "created"), "{name}: {outcome:?}");
    }
    let (errors, ..) = verdict(&mut cluster, "metallb-config.yaml", &manifest("metallb-config.yaml"));
    assert_eq!(errors, ["namespaces \"metallb-system\" not found"]);
}

#[test]
fn a_lists_items_are_looked_at() {
    let mut cluster = lesson();
    let text = "apiVersion: v1\nkind: List\nitems:\n\
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: good}}\n\
        - apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: bad}\n  data: {a: 3}\n\
        - {apiVersion: v1, kind: List, items: [{}]}\n";
    let answer = cluster.ask(&Ask::Verdict { name: "list.yaml".to_string(), text: text.to_string() });
    let Answer::Verdict { diagnostics, outcome, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(outcome, [("ConfigMap/good".to_string(), "created".to_string())]);
    let told: Vec<(u32, &str)> = diagnostics.iter().map(|one| (one.line, one.message.as_str())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0].0, told[1].0), (8, 9), "{told:?}");
    assert!(told[1].1.ends_with("kind not set"), "{told:?}");
}
