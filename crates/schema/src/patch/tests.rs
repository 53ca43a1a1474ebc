use super::{
    json_patch, merge, strategic_merge, three_way_merge, three_way_strategic, two_way, two_way_merge,
};
use crate::{Kind, find_kind};
use api::Value;

fn json(text: &str) -> Value {
    Value::from_json(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn deployment() -> &'static Kind {
    find_kind("apps", "v1", "Deployment").unwrap()
}

/// Puts containers, volumes and so on where a Deployment has them.
fn template(spec: &str) -> String {
    format!(r#"{{"spec":{{"template":{{"spec":{spec}}}}}}}"#)
}

#[test]
fn merges_strategically() {
    for (name, original, patch, merged) in [
        (
            "an item is found by its name",
            r#"{"containers":[{"name":"a","image":"x","tty":true},{"name":"b"}]}"#,
            r#"{"containers":[{"name":"a","image":"y"}]}"#,
            r#"{"containers":[{"image":"y","name":"a","tty":true},{"name":"b"}]}"#,
        ),
        (
            "a new item comes before those of the server",
            r#"{"containers":[{"name":"hello"}]}"#,
            r#"{"containers":[{"name":"sidecar","image":"busybox"}]}"#,
            r#"{"containers":[{"image":"busybox","name":"sidecar"},{"name":"hello"}]}"#,
        ),
        (
            "an item is deleted",
            r#"{"containers":[{"name":"sidecar"},{"name":"hello"}]}"#,
            r#"{"containers":[{"name":"sidecar","$patch":"delete"}]}"#,
            r#"{"containers":[{"name":"hello"}]}"#,
        ),
        (
            "a list is replaced",
            r#"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            r#"{"containers":[{"name":"c"},{"$patch":"replace"}]}"#,
            r#"{"containers":[{"name":"c"}]}"#,
        ),
        (
            "a map is replaced",
            r#"{"securityContext":{"runAsUser":1,"fsGroup":2}}"#,
            r#"{"securityContext":{"$patch":"replace","runAsUser":3}}"#,
            r#"{"securityContext":{"runAsUser":3}}"#,
        ),
        (
            "a map is emptied",
            r#"{"securityContext":{"runAsUser":1}}"#,
            r#"{"securityContext":{"$patch":"delete"}}"#,
            r#"{"securityContext":{}}"#,
        ),
        (
            "null deletes, and isn't kept where there was nothing",
            r#"{"nodeSelector":{"a":"1","b":"2"},"hostname":"h"}"#,
            r#"{"nodeSelector":{"a":null,"c":null},"hostname":null,"affinity":{"nodeAffinity":null}}"#,
            r#"{"affinity":{},"nodeSelector":{"b":"2"}}"#,
        ),
        (
            "a list without a merge key is replaced",
            r#"{"tolerations":[{"key":"a"}],"containers":[{"name":"c","command":["a","b"]}]}"#,
            r#"{"tolerations":[{"key":"b"}],"containers":[{"name":"c","command":["x"]}]}"#,
            r#"{"containers":[{"command":["x"],"name":"c"}],"tolerations":[{"key":"b"}]}"#,
        ),
        (
            "the order is set",
            r#"{"containers":[{"name":"a"},{"name":"b"},{"name":"server"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],"containers":[{"name":"c"}]}"#,
            r#"{"containers":[{"name":"b"},{"name":"c"},{"name":"a"},{"name":"server"}]}"#,
        ),
        (
            "the order is set, and nothing else",
            r#"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}"#,
            r#"{"containers":[{"name":"b"},{"name":"a"}]}"#,
        ),
        (
            "a new item stands where a deleted one left a place",
            r#"{"containers":[{"name":"e"},{"name":"a"},{"name":"d"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"d"}],"containers":[{"name":"b"},{"name":"e","$patch":"delete"}]}"#,
            r#"{"containers":[{"name":"a"},{"name":"b"},{"name":"d"}]}"#,
        ),
        (
            "only the retained keys stay",
            r#"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
            r#"{"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"c"}}]}"#,
            r#"{"volumes":[{"configMap":{"name":"c"},"name":"v"}]}"#,
        ),
        (
            "a field of another type is taken",
            r#"{"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":80}}}]}"#,
            r#"{"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":"http"}}}]}"#,
            r#"{"containers":[{"livenessProbe":{"httpGet":{"port":"http"}},"name":"c"}]}"#,
        ),
        ("nothing changes nothing", r#"{"hostname":"h"}"#, r#"{}"#, r#"{"hostname":"h"}"#),
    ] {
        let original = json(&template(original));
        let found = strategic_merge(deployment(), &original, &json(&template(patch)));
        assert_eq!(found, Ok(json(&template(merged))), "{name}");
        if original == json(&template(merged)) {
            assert!(found.unwrap().same(&original), "{name}");
        }
    }
}

#[test]
fn merges_lists_of_texts() {
    let pod = find_kind("", "v1", "Pod").unwrap();
    for (original, patch, merged) in [
        (
            r#"{"metadata":{"finalizers":["a","b"]}}"#,
            r#"{"metadata":{"finalizers":["c","a"]}}"#,
            r#"{"metadata":{"finalizers":["c","a","b"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b","c"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b","x"]}}"#,
            r#"{"metadata":{"finalizers":["a","c"]}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b","c"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b"],"$setElementOrder/finalizers":["c","d","a"],"finalizers":["d"]}}"#,
            r#"{"metadata":{"finalizers":["c","d","a"]}}"#,
        ),
        (
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b"]}}"#,
            r#"{"metadata":{}}"#,
        ),
    ] {
        assert_eq!(strategic_merge(pod, &json(original), &json(patch)), Ok(json(merged)));
    }
}

#[test]
fn refuses_patches_that_make_no_sense() {
    for (original, patch, error) in [
        (
            r#"{"containers":[{"name":"a"}]}"#,
            r#"{"containers":[{"image":"x"}]}"#,
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (
            r#"{"containers":[{"name":"a"}]}"#,
            r#"{"containers":[{"name":"a","$patch":"nope"}]}"#,
            "unknown patch type: nope in map: map[$patch:nope name:a]",
        ),
        (
            r#"{"containers":[{"name":"a"}]}"#,
            r#"{"containers":[{"name":"a","$patch":"merge"}]}"#,
            "merging lists cannot yet be specified in the patch",
        ),
        (
            r#"{"volumes":[{"name":"v"}]}"#,
            r#"{"volumes":[{"name":"v","$retainKeys":["name"],"emptyDir":{}}]}"#,
            "invalid patch format of retainKeys",
        ),
        (
            r#"{"containers":[{"name":"a"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"x"},{"name":"b"}]}"#,
            "The order in patch list:\n[map[image:x name:a] map[name:b]]\n doesn't match \
             $setElementOrder list:\n[map[name:b] map[name:a]]\n",
        ),
        (
            r#"{"nope":{"a":1}}"#,
            r#"{"nope":{"a":2}}"#,
            r#"unable to find api field in struct PodSpec for the json field "nope""#,
        ),
        (r#"{}"#, r#"{"$deleteFromPrimitiveList":["a"]}"#, "invalid patch format of primitive list"),
    ] {
        let found = strategic_merge(deployment(), &json(&template(original)), &json(&template(patch)));
        assert_eq!(found.unwrap_err(), error);
    }
    let text = strategic_merge(deployment(), &json("{}"), &json(r#""text""#));
    assert_eq!(text.unwrap_err(), "expected a map[string]interface {}, but received a string");
}

#[test]
fn makes_the_patch_between_two() {
    for (name, original, modified, patch) in [
        (
            "a changed container",
            r#"{"containers":[{"name":"a","image":"x","tty":true},{"name":"b"}]}"#,
            r#"{"containers":[{"name":"a","image":"y","tty":true},{"name":"b"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"a"},{"name":"b"}],"containers":[{"image":"y","name":"a"}]}"#,
        ),
        (
            "a container more and one less",
            r#"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            r#"{"containers":[{"name":"c"},{"name":"b"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"c"},{"name":"b"}],"containers":[{"name":"c"},{"$patch":"delete","name":"a"}]}"#,
        ),
        (
            "another volume source",
            r#"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
            r#"{"volumes":[{"name":"v","configMap":{"name":"c"}}]}"#,
            r#"{"$setElementOrder/volumes":[{"name":"v"}],"volumes":[{"$retainKeys":["configMap","name"],"configMap":{"name":"c"},"emptyDir":null,"name":"v"}]}"#,
        ),
        (
            "fields gone",
            r#"{"hostname":"h","nodeSelector":{"a":"1","b":"2"}}"#,
            r#"{"nodeSelector":{"b":"2"}}"#,
            r#"{"hostname":null,"nodeSelector":{"a":null}}"#,
        ),
        (
            "another order",
            r#"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            r#"{"containers":[{"name":"b"},{"name":"a"}]}"#,
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}"#,
        ),
        (
            "a list that is replaced",
            r#"{"tolerations":[{"key":"a"}]}"#,
            r#"{"tolerations":[{"key":"b"}]}"#,
            r#"{"tolerations":[{"key":"b"}]}"#,
        ),
    ] {
        let (original, modified) = (json(&template(original)), json(&template(modified)));
        let made = two_way(deployment(), &original, &modified).unwrap();
        assert_eq!(made, json(&template(patch)), "{name}");
        let applied = strategic_merge(deployment(), &original, &made);
        assert_eq!(applied, Ok(modified), "{name}: and the patch makes the one from the other");
    }
    let same = json(&template(r#"{"hostname":"h"}"#));
    assert_eq!(two_way(deployment(), &same, &same), Ok(json("{}")));
}

#[test]
fn changes_the_strategy_with_retained_keys() {
    let original = json(r#"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}"#);
    let modified = json(r#"{"spec":{"strategy":{"type":"Recreate"}}}"#);
    let patch = two_way(deployment(), &original, &modified).unwrap();
    let expected = r#"{"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":null,"type":"Recreate"}}}"#;
    assert_eq!(patch.to_json(), expected);
    assert_eq!(strategic_merge(deployment(), &original, &patch), Ok(modified));
}

/// A case: applied last, to be applied, there now, the patch, what it makes.
const APPLY: [(&str, &str, &str, &str, &str, &str); 6] = [
    (
        "the server's fields stay, the user's change",
        r#"{"spec":{"replicas":1}}"#,
        r#"{"spec":{"replicas":2}}"#,
        r#"{"spec":{"replicas":1,"revisionHistoryLimit":10},"status":{"replicas":1}}"#,
        r#"{"spec":{"replicas":2}}"#,
        r#"{"spec":{"replicas":2,"revisionHistoryLimit":10},"status":{"replicas":1}}"#,
    ),
    (
        "what the user took out goes",
        r#"{"spec":{"minReadySeconds":2,"replicas":1}}"#,
        r#"{"spec":{"replicas":1}}"#,
        r#"{"spec":{"minReadySeconds":2,"replicas":1,"revisionHistoryLimit":10}}"#,
        r#"{"spec":{"minReadySeconds":null}}"#,
        r#"{"spec":{"replicas":1,"revisionHistoryLimit":10}}"#,
    ),
    (
        "an image changes, a sidecar of the server's stays",
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"x"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"y"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"x"},{"name":"s"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"image":"y","name":"a"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"image":"y","name":"a"},{"name":"s"}]}}}}"#,
    ),
    (
        "a container is taken out",
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"b"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","tty":true},{"name":"b"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"$patch":"delete","name":"a"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"b"}]}}}}"#,
    ),
    (
        "ports and a pull policy that the user took out",
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"h","image":"v1","imagePullPolicy":"Always","ports":[{"containerPort":8080}]}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"h","image":"v2"}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"h","image":"v1","imagePullPolicy":"Always","ports":[{"containerPort":8080,"protocol":"TCP"}]}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"h"}],"containers":[{"image":"v2","imagePullPolicy":null,"name":"h","ports":null}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"image":"v2","name":"h"}]}}}}"#,
    ),
    (
        "a strategy that the server filled in",
        r#"{"spec":{"replicas":1}}"#,
        r#"{"spec":{"replicas":1,"strategy":{"type":"Recreate"}}}"#,
        r#"{"spec":{"replicas":1,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%"}}}}"#,
        r#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#,
        r#"{"spec":{"replicas":1,"strategy":{"type":"Recreate"}}}"#,
    ),
];

#[test]
fn makes_the_patch_of_apply() {
    for (name, original, modified, current, patch, result) in APPLY {
        let (original, modified, current) = (json(original), json(modified), json(current));
        let made = three_way_strategic(deployment(), &original, &modified, &current).unwrap();
        assert_eq!(made, json(patch), "{name}");
        let applied = strategic_merge(deployment(), &current, &made);
        assert_eq!(applied, Ok(json(result)), "{name}: and so it is applied");
        // Upstream sends the order again where the server has items of its own.
        let result = json(result);
        let again = three_way_strategic(deployment(), &modified, &modified, &result).unwrap();
        let applied = strategic_merge(deployment(), &result, &again).unwrap();
        assert!(applied.same(&result), "{name}: and applied once more, nothing changes");
    }
}

#[test]
fn merges_without_a_schema() {
    // The examples of RFC 7386, appendix A.
    for (original, patch, merged) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, r#"null"#, r#"null"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
        (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ] {
        assert_eq!(merge(&json(original), &json(patch)), json(merged));
    }
    let (original, modified) = (json(r#"{"a":1,"b":{"c":1,"d":2}}"#), json(r#"{"b":{"c":2}}"#));
    assert_eq!(two_way_merge(&original, &modified), json(r#"{"a":null,"b":{"c":2,"d":null}}"#));
    let current = json(r#"{"a":1,"b":{"c":1,"d":2,"server":true}}"#);
    let patch = three_way_merge(&original, &modified, &current);
    assert_eq!(patch, json(r#"{"a":null,"b":{"c":2,"d":null}}"#));
    assert_eq!(merge(&current, &patch), json(r#"{"b":{"c":2,"server":true}}"#));
}

#[test]
fn applies_json_patches() {
    for (original, patch, result) in [
        (
            r#"{"spec":{"replicas":2}}"#,
            r#"[{"op":"replace","path":"/spec/replicas","value":4}]"#,
            Ok(r#"{"spec":{"replicas":4}}"#),
        ),
        (r#"{"a":[1,2]}"#, r#"[{"op":"add","path":"/a/1","value":9}]"#, Ok(r#"{"a":[1,9,2]}"#)),
        (r#"{"a":[1,2]}"#, r#"[{"op":"add","path":"/a/-","value":9}]"#, Ok(r#"{"a":[1,2,9]}"#)),
        (r#"{"a":[1,2]}"#, r#"[{"op":"remove","path":"/a/-1"}]"#, Ok(r#"{"a":[1]}"#)),
        (r#"{"a/b":{"~":1}}"#, r#"[{"op":"remove","path":"/a~1b/~0"}]"#, Ok(r#"{"a/b":{}}"#)),
        (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, Ok(r#"{"b":1}"#)),
        (r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, Ok(r#"{"a":1,"b":1}"#)),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":1},{"op":"add","path":"/b","value":null}]"#,
            Ok(r#"{"a":1,"b":null}"#),
        ),
        (r#"{"a":1}"#, r#"[{"op":"test","path":"/b","value":null}]"#, Ok(r#"{"a":1}"#)),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":2}]"#,
            Err("testing value /a failed: test failed"),
        ),
        (
            r#"{"spec":{}}"#,
            r#"[{"op":"remove","path":"/spec/nope"}]"#,
            Err(
                "error in remove for path: '/spec/nope': Unable to remove nonexistent key: nope: missing value",
            ),
        ),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"/b","value":2}]"#, Ok(r#"{"a":1,"b":2}"#)),
        (
            r#"{"a":1}"#,
            r#"[{"op":"add","path":"/b/c","value":2}]"#,
            Err("add operation does not apply: doc is missing path: \"/b/c\": missing value"),
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/7","value":2}]"#,
            Err("error in add for path: '/a/7': Unable to access invalid index: 7: invalid index referenced"),
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"replace","path":"/a/7","value":2}]"#,
            Err("replace operation does not apply: doc is missing key: /a/7: missing value"),
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"move","from":"/b","path":"/c"}]"#,
            Err("error in move for path: 'b': Unable to remove nonexistent key: b: missing value"),
        ),
        (r#"{"a":1}"#, r#"[{"op":"copy","from":"/b","path":"/c"}]"#, Ok(r#"{"a":1,"c":null}"#)),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2}}]"#, Ok(r#"{"b":2}"#)),
        (
            r#"{"a":1}"#,
            r#"[{"op":"add","path":"b","value":2}]"#,
            Err("add operation does not apply: doc is missing path: \"b\": missing value"),
        ),
        (r#"{"a":1}"#, r#"[{"op":"frob","path":"/b"}]"#, Err("Unexpected kind: frob")),
        (
            r#"{"a":1}"#,
            r#"{"op":"add"}"#,
            Err("json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
        ),
    ] {
        let found = json_patch(&json(original), &json(patch));
        assert_eq!(found, result.map(json).map_err(str::to_string), "{patch}");
    }
}
