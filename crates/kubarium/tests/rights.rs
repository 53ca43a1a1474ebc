//! The components have upstream's rights and no others: nothing that they do is forbidden to them.

use cluster::{Cluster, Preset};
use sim::RecordKind;

const LINES: &[&str] = &[
    "microk8s enable metallb:10.64.140.43-10.64.140.49",
    "kubectl create deployment web --image=nginx:1.25 --replicas=3",
    "kubectl expose deployment web --port=80 --type=LoadBalancer",
    "microk8s enable metrics-server",
    "kubectl autoscale deployment web --cpu=50% --max=5",
    "kubectl create quota few --hard=pods=6,services=5",
    "kubectl set image deployment/web nginx=nginx:1.26",
    "kubectl create job once --image=busybox -- true",
    "kubectl delete job once",
    "kubectl create cronjob tick --image=busybox --schedule='* * * * *' -- true",
    "kubectl create poddisruptionbudget web --selector=app=web --min-available=1",
    "echo '{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], \
     resources: {requests: {storage: 1Gi}}}}' | kubectl apply -f -",
    "echo '{apiVersion: v1, kind: ReplicationController, metadata: {name: rc}, spec: {replicas: 1, template: \
     {metadata: {labels: {app: rc}}, spec: {containers: [{name: c, image: nginx}]}}}}' | kubectl apply -f -",
    "echo '{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, selector: \
     {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: nginx}]}}, \
     persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}, volumeClaimTemplates: [{metadata: {name: data}, spec: \
     {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}' | kubectl apply -f -",
    "kubectl delete sts/db rc/rc pvc/data cj/tick",
    "kubectl rollout undo deployment/web",
    "kubectl create namespace other",
    "kubectl create deployment gone --image=nginx:1.25 -n other",
    "kubectl delete hpa web",
    "kubectl drain node-1 --ignore-daemonsets",
    "kubectl delete namespace other",
    "kubectl delete deployment web --cascade=foreground",
];

#[test]
fn no_component_is_refused() {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 5);
    let (mut seen, mut by_components) = (0, 0);
    for line in LINES {
        cluster.run_line(line);
        cluster.run_until_settled(40 * sim::SECOND);
        let mut refused = Vec::new();
        for record in cluster.trace_since(seen) {
            seen = record.id + 1;
            if let RecordKind::Call(call) = &record.kind {
                by_components += u32::from(&*call.from != "kubectl");
                // What is new in a namespace that goes is refused whatever one's rights.
                let comes_late = &*call.verb == "create" && call.object.starts_with("other/");
                if (call.code == 403 || call.code == 401) && !comes_late {
                    refused.push(format!("{} {} {} {}", call.from, call.verb, call.resource, call.object));
                }
            }
        }
        assert!(refused.is_empty(), "{line}: {refused:#?}");
    }
    assert!(by_components > 300, "{by_components} calls");
    for line in [
        "kubectl create clusterrole all-pods --aggregation-rule=of=pods",
        "kubectl create clusterrole pod-reader --verb=get --resource=pods",
        "kubectl label clusterrole pod-reader of=pods",
    ] {
        cluster.run_line(line);
    }
    cluster.run_until_settled(40 * sim::SECOND);
    let rules = cluster.run_line("kubectl get clusterrole all-pods -o jsonpath='{.rules}'");
    assert_eq!(rules.trim_end(), r#"[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]"#);
    let quota = cluster.run_line("kubectl get quota few -o jsonpath='{.status.used}'");
    assert_eq!(quota.trim_end(), "{\"pods\":\"0\",\"services\":\"2\"}");
}
