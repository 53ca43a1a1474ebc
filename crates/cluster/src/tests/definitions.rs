//! Kinds that are defined while the cluster runs.

use crate::{Cluster, Preset};
use ::view::{Answer, Ask};

const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tabs.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: tabs, kind: Tab}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer, minimum: 1}}}}
"#;

fn tab(size: i64) -> String {
    format!("apiVersion: example.com/v1\nkind: Tab\nmetadata: {{name: a}}\nspec:\n  size: {size}\n")
}

fn verdict(cluster: &mut Cluster, text: String) -> Vec<String> {
    let name = "tab.yaml".to_string();
    match cluster.ask(&Ask::Verdict { name, text }) {
        Answer::Verdict { diagnostics, outcome, .. } => diagnostics
            .iter()
            .map(|one| format!("{}: {}", one.line, one.message))
            .chain(outcome.iter().map(|(object, word)| format!("{object} {word}")))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// The editor knows a kind as soon as it is established, and a clone knows what it knew.
#[test]
fn the_editor_knows_what_is_defined() {
    let mut cluster = Cluster::new(&Preset::named("bare").unwrap(), 1);
    let unknown = "1: no matches for kind \"Tab\" in version \"example.com/v1\"";
    assert_eq!(verdict(&mut cluster, tab(1)), [unknown]);
    let before = cluster.clone();
    cluster.run_line(&format!("kubectl apply -f - <<'END'{DEFINITION}END"));
    cluster.run_line(&format!("kubectl apply -f - <<'END'\n{}END", tab(3)));
    assert_eq!(verdict(&mut cluster, tab(3)), ["Tab/a unchanged"]);
    assert_eq!(verdict(&mut cluster, tab(2)), ["Tab/a configured"]);
    let small = "5: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1";
    assert_eq!(verdict(&mut cluster, tab(0)), [small]);
    let mut clone = cluster.clone();
    cluster.run_line("kubectl delete crd tabs.example.com");
    assert_eq!(verdict(&mut cluster, tab(2)), [unknown]);
    assert_eq!(verdict(&mut clone, tab(2)), ["Tab/a configured"]);
    assert_eq!(verdict(&mut before.clone(), tab(1)), [unknown]);
}
