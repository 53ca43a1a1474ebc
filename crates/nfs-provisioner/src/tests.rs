use crate::{Provisioner, manifests};
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES};
use api::{Value, meta, tree};
use client::Program;
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

fn provisioner() -> (Provisioner, Value) {
    let objects = manifests("10.0.0.2", "standard");
    let of_kind = |kind: &str| objects.iter().find(|object| object["kind"].str() == kind).cloned().unwrap();
    let template = of_kind("Deployment")["spec"]["template"].clone();
    let pod = tree!({"metadata": {"name": "p", "namespace": "kube-system", "uid": "u"}, "spec": (&template["spec"])});
    (Provisioner::new(&pod), of_kind("StorageClass"))
}

fn bench(mode: &str, asked: &str, node: &str) -> Bench<Program<Provisioner>> {
    let (provisioner, mut class) = provisioner();
    class.set(&["volumeBindingMode"], mode);
    let mut claim = tree!({
        "metadata": {"name": "data", "namespace": "d"},
        "spec": {"storageClassName": "standard", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}},
    });
    for (annotation, value) in [(api::volume::STORAGE_PROVISIONER, asked), (api::volume::SELECTED_NODE, node)]
    {
        if !value.is_empty() {
            claim.set(&["metadata", "annotations", annotation], value);
        }
    }
    let mut server = Server::default();
    server.put(Time::EPOCH, STORAGECLASSES, class);
    server.put(Time::EPOCH, PERSISTENTVOLUMECLAIMS, claim);
    let mut bench = Bench::new(Program::new(provisioner), server);
    bench.run(2 * SECOND);
    bench
}

#[test]
fn makes_volumes_for_claims_that_ask_for_it() {
    const NAME: &str = "k8s-sigs.io/nfs-subdir-external-provisioner";
    for (mode, asked, node, made) in [
        ("Immediate", NAME, "", true),
        ("Immediate", "example.com/other", "", false),
        ("Immediate", "", "", false),
        ("WaitForFirstConsumer", NAME, "", false),
        ("WaitForFirstConsumer", NAME, "n1", true),
    ] {
        let bench = bench(mode, asked, node);
        let volumes = bench.server.all(PERSISTENTVOLUMES);
        assert_eq!(volumes.len(), usize::from(made), "{mode} {asked} {node}");
        if let [volume] = volumes.as_slice() {
            let name = meta::name(volume);
            assert_eq!(volume["spec"]["nfs"]["server"].str(), "10.0.0.2");
            assert_eq!(volume["spec"]["nfs"]["path"].str(), format!("/srv/nfs/d-data-{name}"));
            let told = [
                "External provisioner is provisioning volume for claim \"d/data\"".to_string(),
                format!("Successfully provisioned volume {name}"),
            ];
            assert_eq!(bench.server.messages(), told);
        }
    }
}

#[test]
fn deletes_what_was_released() {
    let mut bench = bench("Immediate", "k8s-sigs.io/nfs-subdir-external-provisioner", "");
    let name = meta::name(&bench.server.all(PERSISTENTVOLUMES)[0]).to_string();
    for (phase, left) in [("Bound", 1), ("Released", 0)] {
        bench
            .server
            .change(bench.now, PERSISTENTVOLUMES, &name, |volume| volume.set(&["status", "phase"], phase));
        bench.run(2 * SECOND);
        assert_eq!(bench.server.all(PERSISTENTVOLUMES).len(), left, "{phase}");
    }
    assert_eq!(bench.component.reconciler_mut().take_removed(), [name.into()]);
}
