use super::{Node, default, nodes};
use crate::{decode, find_kind};
use api::Value;

fn defaulted(group: &str, kind: &str, json: &str) -> Value {
    let kind = find_kind(group, "v1", kind).unwrap();
    let mut value = decode(kind, &Value::from_json(json).unwrap()).unwrap().value;
    default(kind, &mut value);
    let once = value.clone();
    default(kind, &mut value);
    assert!(value.same(&once), "defaulting once more changes nothing");
    assert!(decode(kind, &value).unwrap().value.same(&value), "and it is as decode leaves it");
    value
}

const DEPLOYMENT: &str = r#"{"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}]}]}}}}"#;

#[test]
fn sets_what_upstream_sets() {
    let pod_spec = r#""dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30"#;
    let container = |image: &str, policy: &str, more: &str| {
        format!(
            r#"{{"image":"{image}","imagePullPolicy":"{policy}","name":"c",{more}"resources":{{}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}}"#
        )
    };
    let port = r#""ports":[{"containerPort":80,"protocol":"TCP"}],"#;
    let cases = [
        (
            "apps",
            "Deployment",
            DEPLOYMENT.to_string(),
            format!(
                r#"{{"metadata":{{"name":"a"}},"spec":{{"progressDeadlineSeconds":600,"replicas":1,"revisionHistoryLimit":10,"selector":{{"matchLabels":{{"app":"a"}}}},"strategy":{{"rollingUpdate":{{"maxSurge":"25%","maxUnavailable":"25%"}},"type":"RollingUpdate"}},"template":{{"metadata":{{"labels":{{"app":"a"}}}},"spec":{{"containers":[{}],{pod_spec}}}}}}},"status":{{}}}}"#,
                container("nginx", "Always", port)
            ),
        ),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":[{"name":"c","image":"nginx:1"}]}}"#.to_string(),
            format!(
                r#"{{"metadata":{{}},"spec":{{"containers":[{}],"dnsPolicy":"ClusterFirst","enableServiceLinks":true,"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{{}},"terminationGracePeriodSeconds":30}},"status":{{}}}}"#,
                container("nginx:1", "IfNotPresent", "")
            ),
        ),
        (
            "",
            "Service",
            r#"{"spec":{"ports":[{"port":80},{"port":443,"targetPort":"https"}]}}"#.into(),
            r#"{"metadata":{},"spec":{"internalTrafficPolicy":"Cluster","ports":[{"port":80,"protocol":"TCP","targetPort":80},{"port":443,"protocol":"TCP","targetPort":"https"}],"sessionAffinity":"None","type":"ClusterIP"},"status":{"loadBalancer":{}}}"#.into(),
        ),
        (
            "",
            "Service",
            r#"{"spec":{"type":"LoadBalancer","sessionAffinity":"ClientIP"},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]}}}"#.into(),
            r#"{"metadata":{},"spec":{"allocateLoadBalancerNodePorts":true,"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}},"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1","ipMode":"VIP"}]}}}"#.into(),
        ),
        (
            "",
            "Service",
            r#"{"spec":{"type":"ExternalName","externalName":"a.b"}}"#.into(),
            r#"{"metadata":{},"spec":{"externalName":"a.b","sessionAffinity":"None","type":"ExternalName"},"status":{"loadBalancer":{}}}"#.into(),
        ),
        (
            "",
            "Namespace",
            r#"{"metadata":{"name":"work"}}"#.into(),
            r#"{"metadata":{"labels":{"kubernetes.io/metadata.name":"work"},"name":"work"},"spec":{},"status":{"phase":"Active"}}"#.into(),
        ),
        (
            "",
            "Secret",
            r#"{"data":{"a":"cXdlcnR5"}}"#.into(),
            r#"{"data":{"a":"cXdlcnR5"},"metadata":{},"type":"Opaque"}"#.into(),
        ),
        (
            "discovery.k8s.io",
            "EndpointSlice",
            r#"{"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"]}],"ports":[{"port":80}]}"#.into(),
            r#"{"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"conditions":{}}],"metadata":{},"ports":[{"name":"","port":80,"protocol":"TCP"}]}"#.into(),
        ),
    ];
    for (group, kind, given, expected) in cases {
        assert_eq!(defaulted(group, kind, &given).to_json(), expected);
    }
}

#[test]
fn sets_fields_deep_within() {
    let probe = r#"{"httpGet":{"port":80}}"#;
    let pod = format!(
        r#"{{"spec":{{"hostNetwork":true,"containers":[{{"name":"c","image":"a@b","livenessProbe":{probe},"ports":[{{"containerPort":80}}],"env":[{{"name":"A","valueFrom":{{"fieldRef":{{"fieldPath":"metadata.name"}}}}}}],"resources":{{"limits":{{"cpu":"1","memory":"1Gi"}},"requests":{{"cpu":"500m"}}}}}}],"volumes":[{{"name":"a"}},{{"name":"b","configMap":{{"name":"x"}}}},{{"name":"c","secret":{{}}}},{{"name":"d","projected":{{"sources":[{{"serviceAccountToken":{{"path":"t"}}}},{{"downwardAPI":{{"items":[{{"path":"p","fieldRef":{{"fieldPath":"metadata.namespace"}}}}]}}}}]}}}},{{"name":"e","hostPath":{{"path":"/"}}}}]}}}}"#
    );
    let pod = defaulted("", "Pod", &pod);
    let container = &pod["spec"]["containers"][0];
    let volumes = &pod["spec"]["volumes"];
    let sources = &volumes[3]["projected"]["sources"];
    for (found, expected) in [
        (
            &container["livenessProbe"],
            r#"{"failureThreshold":3,"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1}"#,
        ),
        (&container["ports"], r#"[{"containerPort":80,"hostPort":80,"protocol":"TCP"}]"#),
        (&container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"], r#""v1""#),
        (&container["resources"]["requests"], r#"{"cpu":"500m","memory":"1Gi"}"#),
        (&container["imagePullPolicy"], r#""IfNotPresent""#),
        (&volumes[0], r#"{"emptyDir":{},"name":"a"}"#),
        (&volumes[1]["configMap"], r#"{"defaultMode":420,"name":"x"}"#),
        (&volumes[2]["secret"], r#"{"defaultMode":420}"#),
        (&volumes[3]["projected"]["defaultMode"], "420"),
        (&sources[0]["serviceAccountToken"], r#"{"expirationSeconds":3600,"path":"t"}"#),
        (&sources[1]["downwardAPI"]["items"][0]["fieldRef"]["apiVersion"], r#""v1""#),
        (&volumes[4]["hostPath"], r#"{"path":"/","type":""}"#),
    ] {
        assert_eq!(found.to_json(), expected);
    }
}

#[test]
fn a_template_gets_no_requests_from_limits() {
    let mut deployment = Value::from_json(DEPLOYMENT).unwrap();
    let limits = r#"{"limits":{"cpu":"1"}}"#;
    let mut containers = deployment.at(&["spec", "template", "spec", "containers"]).clone();
    containers.list_mut()[0].set(&["resources"], Value::from_json(limits).unwrap());
    deployment.set(&["spec", "template", "spec", "containers"], containers);
    let deployment = defaulted("apps", "Deployment", &deployment.to_json());
    let spec = &deployment["spec"]["template"]["spec"];
    assert_eq!(spec["containers"][0]["resources"].to_json(), limits);
    assert!(spec["enableServiceLinks"].is_null());
}

#[test]
fn keeps_what_the_user_said() {
    for (strategy, expected) in [
        (r#"{"type":"Recreate"}"#, r#"{"type":"Recreate"}"#),
        (
            r#"{"rollingUpdate":{"maxSurge":0}}"#,
            r#"{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"25%"},"type":"RollingUpdate"}"#,
        ),
    ] {
        let given = DEPLOYMENT.replacen(
            r#""spec":{"#,
            &format!(r#""spec":{{"replicas":0,"strategy":{strategy},"#),
            1,
        );
        let deployment = defaulted("apps", "Deployment", &given);
        assert_eq!(deployment["spec"]["strategy"].to_json(), expected);
        assert_eq!(deployment["spec"]["replicas"].int(), 0);
    }
}

#[test]
fn a_defaulted_template_is_shared_by_its_pods() {
    let deployment = defaulted("apps", "Deployment", DEPLOYMENT);
    let template = &deployment["spec"]["template"]["spec"];
    let pod_kind = find_kind("", "v1", "Pod").unwrap();
    let mut pod = api::tree!({"metadata": {"name": "p"}, "spec": (template)});
    pod = decode(pod_kind, &pod).unwrap().value;
    default(pod_kind, &mut pod);
    assert!(pod["spec"]["containers"].same(&template["containers"]));
}

#[test]
fn every_row_and_function_has_its_place() {
    let rows = include_str!("../../data/defaults.tsv").lines().count() - 1;
    let rules: usize = nodes().iter().map(|node: &Node| node.rules.len()).sum();
    assert_eq!(rules, rows);
    let hooks = nodes().iter().filter(|node| node.hook.is_some()).count();
    assert_eq!(hooks, super::HOOKS.len());
}

// Rows as in pkg/apis/batch/v1/defaults_test.go TestSetDefaultJob and pkg/apis/rbac/v1/defaults_test.go
// TestDefaulting.
#[test]
fn what_is_held_by_value_is_set_when_empty() {
    for (group, kind, given, path, expected) in [
        (
            "batch",
            "Job",
            r#"{"spec":{"podFailurePolicy":{"rules":[{"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget"},{"type":"A","status":"False"}]}]}}}"#,
            &["spec", "podFailurePolicy"][..],
            r#"{"rules":[{"action":"Ignore","onPodConditions":[{"status":"True","type":"DisruptionTarget"},{"status":"False","type":"A"}]}]}"#,
        ),
        (
            "rbac.authorization.k8s.io",
            "RoleBinding",
            r#"{"roleRef":{"apiGroup":"","kind":"Role","name":"a"}}"#,
            &["roleRef"],
            r#"{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"a"}"#,
        ),
    ] {
        assert_eq!(defaulted(group, kind, given).at(path).to_json(), expected);
    }
}

// As pkg/apis/apps/v1/conversion.go has it.
#[test]
fn templates_of_claims_say_their_kind() {
    for (templates, expected) in [
        (
            r#"[{"metadata":{"name":"a"},"spec":{"accessModes":["ReadWriteOnce"]}}]"#,
            r#"[{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{},"volumeMode":"Filesystem"},"status":{"phase":"Pending"}}]"#,
        ),
        (
            r#"[{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a"},"spec":{}}]"#,
            r#"[{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a"},"spec":{"resources":{},"volumeMode":"Filesystem"},"status":{"phase":"Pending"}}]"#,
        ),
    ] {
        let given = format!(r#"{{"metadata":{{"name":"a"}},"spec":{{"volumeClaimTemplates":{templates}}}}}"#);
        let set = defaulted("apps", "StatefulSet", &given);
        assert_eq!(set["spec"]["volumeClaimTemplates"].to_json(), expected);
    }
}
