use super::{decode, decode_again, restore};
use crate::find_kind;
use api::Value;

fn read(group: &str, kind: &str, json: &str) -> Result<(String, Vec<String>), String> {
    let kind = find_kind(group, "v1", kind).unwrap();
    let decoded = decode(kind, &Value::from_json(json).unwrap())?;
    Ok((decoded.value.to_json(), decoded.unknown))
}

#[test]
fn prints_what_go_prints() {
    for (group, kind, given, printed) in [
        ("", "ConfigMap", r#"{"data":{"a":"1"}}"#, r#"{"data":{"a":"1"},"metadata":{}}"#),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":[{"name":"c","env":[],"stdin":false,"command":null}],"hostNetwork":false,"nodeSelector":{},"volumes":[{"name":"v","emptyDir":{}}]}}"#,
            r#"{"metadata":{},"spec":{"containers":[{"name":"c","resources":{}}],"volumes":[{"emptyDir":{},"name":"v"}]},"status":{}}"#,
        ),
        (
            "apps",
            "Deployment",
            r#"{"spec":{"replicas":0,"paused":false,"minReadySeconds":0}}"#,
            r#"{"metadata":{},"spec":{"replicas":0,"selector":null,"strategy":{},"template":{"metadata":{},"spec":{"containers":null}}},"status":{}}"#,
        ),
        (
            "",
            "Service",
            r#"{"metadata":{"creationTimestamp":null,"name":"a"},"spec":{"ports":[{"port":80}]}}"#,
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":80,"targetPort":0}]},"status":{"loadBalancer":{}}}"#,
        ),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":null},"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00+01:00"}]}}"#,
            r#"{"metadata":{},"spec":{"containers":null},"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2025-12-31T23:00:00Z","status":"True","type":"Ready"}]}}"#,
        ),
        (
            "",
            "Secret",
            r#"{"data":{"a":"cXdl\ncnR5"},"stringData":{}}"#,
            r#"{"data":{"a":"cXdlcnR5"},"metadata":{}}"#,
        ),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":1,"memory":"1024Mi"},"requests":{"cpu":0.5,"memory":null}}}]}}"#,
            r#"{"metadata":{},"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m","memory":"0"}}}]},"status":{}}"#,
        ),
        ("", "Namespace", r#"{}"#, r#"{"metadata":{},"spec":{},"status":{}}"#),
        (
            "discovery.k8s.io",
            "EndpointSlice",
            r#"{"addressType":"IPv4","endpoints":[]}"#,
            r#"{"addressType":"IPv4","endpoints":null,"metadata":{},"ports":null}"#,
        ),
        (
            "apps",
            "ControllerRevision",
            r#"{"data":{"spec":{"anything":[1,null]}},"revision":1}"#,
            r#"{"data":{"spec":{"anything":[1,null]}},"metadata":{},"revision":1}"#,
        ),
    ] {
        let (value, unknown) = read(group, kind, given).unwrap();
        assert_eq!(value, printed);
        assert_eq!(unknown, Vec::<String>::new());
        let (again, _) = read(group, kind, &value).unwrap();
        assert_eq!(again, value, "reading once more changes nothing");
    }
}

#[test]
fn names_unknown_fields() {
    let (value, unknown) = read(
        "apps",
        "Deployment",
        r#"{"spec":{"replcas":2,"selector":{"matchLabels":{"app":"t"}},"template":{"spec":{"containers":[{"imgae":"nginx","name":"c","resources":{"x":1}}]}}},"zzz":{"a":1}}"#,
    )
    .unwrap();
    assert_eq!(
        unknown,
        [
            r#"unknown field "spec.replcas""#,
            r#"unknown field "spec.template.spec.containers[0].imgae""#,
            r#"unknown field "spec.template.spec.containers[0].resources.x""#,
            r#"unknown field "zzz""#,
        ]
    );
    assert!(!value.contains("imgae") && !value.contains("replcas") && !value.contains("zzz"));
    let many: Vec<String> = (0..300).map(|i| format!("\"x{i}\":1")).collect();
    let (_, unknown) = read("", "Pod", &format!("{{{}}}", many.join(","))).unwrap();
    assert_eq!(unknown.len(), 100);
}

#[test]
fn words_wrong_types_as_go() {
    let field = "json: cannot unmarshal";
    for (group, kind, given, error) in [
        (
            "apps",
            "Deployment",
            r#"{"spec":{"replicas":"three"}}"#,
            "string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "apps",
            "Deployment",
            r#"{"spec":{"replicas":1.5}}"#,
            "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "apps",
            "Deployment",
            r#"{"spec":{"replicas":3000000000}}"#,
            "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":[{"env":[{"name":"A","value":1}]}]}}"#,
            "number into Go struct field EnvVar.spec.containers.env.value of type string",
        ),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":["nginx"]}}"#,
            "string into Go struct field PodSpec.spec.containers of type v1.Container",
        ),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":{"name":"c"}}}"#,
            "object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "",
            "Pod",
            r#"{"metadata":{"labels":{"a":true}},"spec":"x"}"#,
            "bool into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            "",
            "Pod",
            r#"{"metadata":{"labels":["a"]}}"#,
            "array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        ),
        ("", "Pod", r#"{"spec":[]}"#, "array into Go struct field Pod.spec of type v1.PodSpec"),
        ("", "Pod", r#"[]"#, "array into Go value of type v1.Pod"),
        (
            "",
            "Service",
            r#"{"spec":{"ports":[{"protocol":6}]}}"#,
            "number into Go struct field ServicePort.spec.ports.protocol of type v1.Protocol",
        ),
        ("", "Service", r#"{"spec":{"ports":[{"targetPort":true}]}}"#, "bool into Go value of type int32"),
        (
            "",
            "Pod",
            r#"{"spec":{"containers":[{"resources":{"limits":[]}}]}}"#,
            "array into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList",
        ),
        ("", "Secret", r#"{"data":{"a":1}}"#, "number into Go struct field Secret.data of type []uint8"),
    ] {
        assert_eq!(read(group, kind, given).unwrap_err(), format!("{field} {error}"));
    }
    for (group, kind, given, error) in [
        (
            "",
            "Pod",
            r#"{"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}}"#,
            "quantities must match the regular expression \
             '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("", "Secret", r#"{"data":{"a":"not base64"}}"#, "illegal base64 data at input byte 3"),
        (
            "",
            "Pod",
            r#"{"status":{"startTime":"now"}}"#,
            r#"parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006""#,
        ),
    ] {
        assert_eq!(read(group, kind, given).unwrap_err(), error);
    }
}

#[test]
fn shares_what_it_does_not_change() {
    let kind = find_kind("", "v1", "Pod").unwrap();
    let json = r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"nginx","resources":{}}]},"status":{}}"#;
    let mut pod = Value::from_json(json).unwrap();
    assert!(decode(kind, &pod).unwrap().value.same(&pod));
    pod.set(&["metadata", "nope"], 1);
    let decoded = decode(kind, &pod).unwrap().value;
    assert!(decoded["spec"].same(&pod["spec"]));
    assert!(!decoded["metadata"].same(&pod["metadata"]));
}

#[test]
fn does_not_read_again_what_it_knows() {
    let kind = find_kind("", "v1", "Pod").unwrap();
    let json = r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","resources":{}}]},"status":{}}"#;
    let before = decode(kind, &Value::from_json(json).unwrap()).unwrap().value;
    let mut after = before.clone();
    after.set(&["metadata", "nope"], 1);
    after.set(&["status", "phase"], "Running");
    let decoded = decode_again(kind, &after, &before).unwrap();
    assert_eq!(decoded, decode(kind, &after).unwrap());
    assert!(decoded.value["spec"].same(&before["spec"]));
    // What is shared is taken as it is, right or wrong.
    let wrong = api::tree!({"spec": {"nope": 1}, "metadata": {}, "status": {}});
    assert_eq!(decode_again(kind, &wrong, &wrong).unwrap().unknown.len(), 0);
    assert_eq!(decode(kind, &wrong).unwrap().unknown.len(), 1);
}

#[test]
fn types_that_read_themselves_end_the_reading() {
    for (given, error) in [
        (
            r#"{"spec":{"containers":[{"image":1,"resources":{"limits":{"cpu":"lots"}}}]}}"#,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            r#"{"metadata":{"labels":"a"},"status":{"startTime":true}}"#,
            "json: cannot unmarshal bool into Go value of type string",
        ),
        (
            r#"{"metadata":{"labels":"a"},"spec":{"restartPolicy":1}}"#,
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        ),
    ] {
        assert_eq!(read("", "Pod", given).unwrap_err(), error);
    }
}

#[test]
fn restores_structs_in_the_converter_s_words() {
    let restored = |group: &str, kind: &str, json: &str| {
        let kind = find_kind(group, "v1", kind).unwrap();
        restore(kind, &Value::from_json(json).unwrap(), &Value::Null).map(|restored| restored.value.to_json())
    };
    for (group, kind, given, error) in [
        ("apps", "Deployment", r#"{"spec":{"replicas":"2"}}"#, "unrecognized type: int32"),
        ("apps", "Deployment", r#"{"spec":{"replicas":1.5}}"#, "cannot convert float64 to int32"),
        ("", "Pod", r#"{"metadata":{"labels":{"a":1}}}"#, "cannot convert int64 to string"),
        ("", "Pod", r#"{"metadata":{"labels":{"a":true}}}"#, "unrecognized type: string"),
        ("", "Pod", r#"{"metadata":{"labels":["a"]}}"#, "cannot restore map from slice"),
        ("", "Pod", r#"{"spec":{"restartPolicy":3}}"#, "cannot convert int64 to v1.RestartPolicy"),
        ("", "Pod", r#"{"spec":{"restartPolicy":{}}}"#, "unrecognized type: string"),
        ("", "Pod", r#"{"spec":{"containers":{}}}"#, "cannot restore slice from map"),
        ("", "Pod", r#"{"spec":"x"}"#, "cannot restore struct from: string"),
        ("", "Secret", r#"{"data":{"a":1}}"#, "cannot restore slice from int64"),
        (
            "",
            "Secret",
            r#"{"data":{"a":"not base64"}}"#,
            "error decoding from json: illegal base64 data at input byte 3",
        ),
    ] {
        assert_eq!(restored(group, kind, given).unwrap_err(), error, "{given}");
    }
    // Go converts these in silence.
    for (given, replicas) in [(r#"{"spec":{"replicas":2.0}}"#, 2), (r#"{"spec":{"replicas":4294967299}}"#, 3)]
    {
        let value = Value::from_json(&restored("apps", "Deployment", given).unwrap()).unwrap();
        assert_eq!(value["spec"]["replicas"].int(), replicas);
    }
}
