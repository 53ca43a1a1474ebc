//! What goes wrong before any server is asked.

use crate::Step;
use crate::testing::Fake;

#[test]
fn refuses_wrong_words_as_kubectl() {
    for (line, want) in [
        ("kubectl frobnicate", "error: unknown command \"frobnicate\" for \"kubectl\"\n"),
        ("kubectl gte", "error: unknown command \"gte\" for \"kubectl\"\n\nDid you mean this?\n\tget\n"),
        (
            "kubectl rm",
            "error: unknown command \"rm\" for \"kubectl\"\n\nDid you mean this?\n\trun\n\tdelete\n\tcp\n",
        ),
        (
            "kubectl get pods --nosuchflag",
            "error: unknown flag: --nosuchflag\nSee 'kubectl get --help' for usage.\n",
        ),
        ("kubectl run noimage", "error: required flag(s) \"image\" not set\n"),
        ("kubectl create cronjob a --image=b", "error: required flag(s) \"schedule\" not set\n"),
        ("kubectl create", "error: must specify one of -f and -k\n"),
        ("kubectl apply", "error: must specify one of -f and -k\n"),
        (
            "kubectl apply extra",
            "error: Unexpected args: [extra]\nSee 'kubectl apply -h' for help and examples\n",
        ),
        ("kubectl apply -f missing.yaml", "error: the path \"missing.yaml\" does not exist\n"),
        (
            "kubectl create foo",
            "error: Unexpected args: [foo]\nSee 'kubectl create -h' for help and examples\n",
        ),
        (
            "kubectl rollout foo",
            "error: unknown command \"foo\"\nSee 'kubectl rollout -h' for help and examples\n",
        ),
        ("kubectl rollout status", "error: required resource not specified\n"),
        ("kubectl label pod a", "error: at least one label update is required\n"),
        (
            "kubectl label pod a ok=bad!value",
            "error: invalid label value: \"ok=bad!value\": a valid label must be an empty string or consist of \
             alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
             'MyValue',  or 'my_value',  or '12345', regex used for validation is \
             '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')\n",
        ),
        ("kubectl taint node a bad", "error: at least one taint update is required\n"),
        (
            "kubectl cordon",
            "error: USAGE: cordon NODE [flags]\nSee 'kubectl cordon -h' for help and examples\n",
        ),
        ("kubectl exec pod -- ", "Error from server (NotFound): things \"pod\" not found\n"),
        ("kubectl exec", "error: pod, type/name or --filename must be specified\n"),
        ("kubectl exec pod", "error: you must specify at least one command for the container\n"),
        (
            "kubectl exec pod ls -l",
            "error: unknown shorthand flag: 'l' in -l\nSee 'kubectl exec --help' for usage.\n",
        ),
        (
            "kubectl exec pod ls",
            "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl \
             exec -h' for help and examples\n# kubarium: put -- before the command, as in: kubectl exec pod -- ls\n",
        ),
        (
            "kubectl scale deploy/app --replicas=-1",
            "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n",
        ),
        (
            "kubectl get pods -o nosuchformat",
            "error: unable to match a printer suitable for the output format \"nosuchformat\", allowed formats are: \
             custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,\
             kyaml,name,template,templatefile,wide,yaml\n",
        ),
        (
            "kubectl apply --dry-run=foo -f x",
            "error: Invalid dry-run value (foo). Must be \"none\", \"server\", or \"client\".\n",
        ),
        ("kubectl get foo", "error: the server doesn't have a resource type \"foo\"\n"),
        ("kubectl explain nope", "the server doesn't have a resource type \"nope\"\n"),
        (
            "kubectl explain pod.spec.nope",
            "KIND:       Pod\nVERSION:    v1\n\nerror: field \"nope\" does not exist\n",
        ),
        ("kubectl get pods --context nope", "error: context \"nope\" does not exist\n"),
        ("kubectl config unset nope", "error: unable to parse nope after [] at api.Config\n"),
        (
            "kubectl config delete-context nope",
            "error: cannot delete context nope, not in /root/.kube/config\n",
        ),
        (
            "kubectl completion tcsh",
            "error: Unsupported shell type \"tcsh\".\nSee 'kubectl completion -h' for help and examples\n",
        ),
        (
            "kubectl port-forward pod/a",
            "error: TYPE/NAME and list of ports are required for port-forward\nSee 'kubectl port-forward -h' for help \
             and examples\n",
        ),
        ("kubectl port-forward pod/a 80", "Error from server (NotFound): things \"a\" not found\n"),
        ("kubectl config use-context y", "error: no context exists with the name: \"y\"\n"),
    ] {
        let (got, step) = Fake::default().run(line);
        assert_eq!((got.as_str(), step), (want, Step::Done(1)), "{line}");
    }
}

#[test]
fn refuses_wrong_files_as_kubectl() {
    for (text, want) in [
        (
            "apiVersion: v1\nmetadata:\n  name: x\n",
            "error: error validating \"f.yaml\": error validating data: kind not set; if you choose to ignore these \
             errors, turn validation off with --validate=false\n",
        ),
        (
            "metadata:\n  name: x\n",
            "error: error validating \"f.yaml\": error validating data: [apiVersion not set, kind not set]; if you choose \
             to ignore these errors, turn validation off with --validate=false\n",
        ),
        (
            "apiVersion: apps/v1beta2\nkind: Deployment\nmetadata: {name: old}\nspec: {}\n",
            "error: resource mapping not found for name: \"old\" namespace: \"\" from \"f.yaml\": no matches for kind \
             \"Deployment\" in version \"apps/v1beta2\"\nensure CRDs are installed first\n",
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: broken\n   labels: {a: b}\n",
            "error: error parsing f.yaml: error converting YAML to JSON: yaml: line 5: mapping values are not allowed in \
             this context\n",
        ),
        ("", "error: no objects passed to apply\n"),
    ] {
        let mut fake = Fake::default();
        fake.files.insert("f.yaml".into(), text.into());
        let (got, step) = fake.run("kubectl apply -f f.yaml");
        assert_eq!((got.as_str(), step), (want, Step::Done(1)), "{text}");
    }
}

#[test]
fn keeps_contexts() {
    let mut fake = Fake::default();
    for (line, want) in [
        ("kubectl config set-context --current --namespace=workns", "Context \"x\" modified.\n"),
        ("kubectl config set-context y --cluster=c", "Context \"y\" created.\n"),
        ("kubectl config current-context", "x\n"),
        ("kubectl config get-contexts -o name", "x\n"),
    ] {
        assert_eq!(fake.run(line), (want.to_string(), Step::Done(0)), "{line}");
    }
}

#[test]
fn no_words_make_it_panic() {
    const ARGS: &[&str] = &[
        "",
        "x",
        "pods",
        "pods a",
        "pod/a",
        "deploy/web c=d e-",
        "deploy web",
        "nodes n k=v:NoSchedule k-",
        "-f f.yaml",
        "-f f.yaml -o yaml --local --dry-run=client",
        "pods --all -o jsonpath={.items[*]}",
        "pods -l a=b -w --timeout=1s --for=condition=Ready",
        "a --image=b --replicas=2 --schedule=x --max=3 --clusterrole=c --external-name=d",
        "a --image=b --tcp=80 --from-literal=a=b --hard=cpu=1 --verb=get --resource=pods --role=r --selector=a=b",
        "-- x y",
        "a -- b",
        "--",
        "-",
        "---",
        "a,b/c,d/e",
        "/ /",
        "=",
        "\u{a0} é=ü",
    ];
    for body in [api::Value::Null, api::tree!({"items": [{}], "spec": [1], "status": "x", "rows": [{}]})] {
        for spec in crate::commands::COMMANDS {
            for args in ARGS {
                let mut fake = Fake::default();
                fake.files.insert("f.yaml".into(), "apiVersion: apps/v1\nkind: Deployment\nspec: 3\n".into());
                fake.default = Some(body.clone());
                let flags: Vec<&str> = args.split(' ').filter(|word| !word.is_empty()).collect();
                let line = format!("kubectl {} {}", spec.path, flags.join(" "));
                let (_, step) = fake.run(line.trim_end());
                assert!(!matches!(step, Step::Done(code) if code < 0), "{line}");
            }
        }
    }
}
