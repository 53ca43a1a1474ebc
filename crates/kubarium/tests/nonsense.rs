//! What people may type or paste by mistake: it is answered or refused, and never panics or runs away.

use cluster::{Cluster, Preset, mend};
use view::{Answer, Ask, Input};

/// More events than this in answer to one thing that a person does run away.
const EVENTS: u64 = 60_000;
/// More bytes than this in one answer run away.
const BYTES: usize = 64 << 10;

fn lesson() -> Cluster {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 1);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=2");
    cluster
}

/// Does something of which no more than [`EVENTS`] may follow.
fn bounded<T>(cluster: &mut Cluster, what: &str, act: impl FnOnce(&mut Cluster) -> T) -> T {
    let before = cluster.events();
    let result = act(cluster);
    let spent = cluster.events() - before;
    assert!(spent <= EVENTS, "{what}: {spent} events");
    result
}

/// Lets at most so many things happen.
fn steps(cluster: &mut Cluster, count: u32) {
    for _ in 0..count {
        let until = cluster.now() + sim::SECOND;
        cluster.step(until);
    }
}

/// Texts in which there is nothing to apply and nothing wrong.
const IS_NOTHING: &[&str] = &["nothing", "a mark"];

/// Texts that are no manifest, or hardly one.
fn texts() -> Vec<(&'static str, String)> {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let pod = |name: &str, spec: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {spec}\n")
    };
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let one = format!("*a{}", n - 1);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", [one.as_str(); 9].join(", ")));
    }
    let long = "x".repeat(1_600_000);
    let many: String = (0..300)
        .map(|n| format!("---\n{}", pod(&format!("p{n}"), "{containers: [{name: a, image: b}]}")))
        .collect();
    let nested =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {}", deep("{a: ", "}", 5_000));
    vec![
        ("nothing", String::new()),
        ("a mark", "\u{feff}".to_string()),
        ("zeros", "\0\0\0".to_string()),
        ("a zero in a name", pod("\"a\\0b\"", "{}")),
        ("a raw zero", "apiVersion: v1\nkind: Pod\0\nmetadata: {name: a}\n".to_string()),
        ("a scalar", "42".to_string()),
        ("a list", "- 1\n- 2\n".to_string()),
        ("only marks", "---\n---\n...\n---\n".to_string()),
        ("an alias bomb", bomb),
        ("an alias of itself", "a: &a [*a]\n".to_string()),
        ("an unknown alias", "a: *b\n".to_string()),
        ("a merge bomb", "a: &a {b: 1}\nc: {<<: [*a, *a, *a], <<: *a}\n".to_string()),
        ("deep lists", deep("[", "]", 100_000)),
        ("deep maps", deep("{a: ", "}", 100_000)),
        ("deep dashes", "- ".repeat(100_000)),
        ("deep blocks", (0..1_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("deep data", nested),
        ("an open list", "[".repeat(1 << 20)),
        ("more than is stored in a line", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{a: {long}}}\n")),
        ("thousands of lines", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata:\n{}", (0..8_000).map(|n| format!("  key{n}: value{n}\n")).collect::<String>())),
        ("hundreds of pods", many),
        ("a long name", pod(&"a".repeat(300), "{containers: [{name: a, image: b}]}")),
        ("a name of other letters", pod("생성한-정적-IP", "{containers: [{name: a, image: b}]}")),
        ("names of the wrong kind", "apiVersion: [v1]\nkind: {a: b}\nmetadata: 3\n".to_string()),
        ("metadata of the wrong kinds", "apiVersion: v1\nkind: Pod\nmetadata: {name: [], labels: 3, annotations: [1], namespace: {}}\nspec: []\n".to_string()),
        ("numbers out of range", pod("a", "{activeDeadlineSeconds: 99999999999999999999, priority: 1e400, containers: [{name: a, image: b, ports: [{containerPort: -1}, {containerPort: 70000}]}]}")),
        ("quantities", pod("a", "{containers: [{name: a, image: b, resources: {requests: {cpu: 1e999999, memory: -5Ei, \"\": x, ephemeral-storage: 9999999999999999999999999999999999Ei}}}]}")),
        ("no containers", pod("a", "{containers: []}")),
        ("an odd image", pod("a", "{containers: [{name: a, image: \"  :::@@@//..//:\"}]}")),
        ("a huge probe", pod("a", "{containers: [{name: a, image: nginx, livenessProbe: {httpGet: {port: no-such}, periodSeconds: 2147483647, failureThreshold: 2147483647, initialDelaySeconds: 2147483647}}]}")),
        ("grace without end", pod("forever", "{terminationGracePeriodSeconds: 9223372036854775807, containers: [{name: a, image: nginx}]}")),
        ("a million replicas", "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: many}\nspec:\n  replicas: 2147483647\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: c}}\n    spec: {containers: [{name: a, image: b}]}\n".to_string()),
        ("a selector that matches nothing", "apiVersion: v1\nkind: Service\nmetadata: {name: nobody}\nspec: {selector: {no: body}, ports: [{port: 80}]}\n".to_string()),
        ("a taken port", "apiVersion: v1\nkind: Service\nmetadata: {name: one}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 30001}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: two}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 30001}]}\n".to_string()),
        ("many ports", format!("apiVersion: v1\nkind: Service\nmetadata: {{name: ports}}\nspec: {{selector: {{app: web}}, ports: [{}]}}\n", (1..400).map(|n| format!("{{name: p{n}, port: {n}}}, ")).collect::<String>())),
        ("a list in a list", "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [{}, 3, null]}, []]\n".to_string()),
        ("odd letters", "a\u{202e}b: \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{fe0f}\nz\u{301}\u{301}\u{301}: \u{fffd}\u{10ffff}\n".to_string()),
        ("tabs", "\t\t\ta:\t\t1\n\t- b\n".to_string()),
        ("JSON", format!("{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"j\"}}, \"data\": {}}}", deep("{\"a\":", "}", 20_000))),
    ]
}

#[test]
fn a_pasted_text_is_answered() {
    let mut cluster = lesson();
    for (what, text) in texts() {
        let answer = cluster.ask(&Ask::Verdict { name: "pasted.yaml".to_string(), text: text.clone() });
        let Answer::Verdict { diagnostics, outcome, .. } = answer else { panic!("{what}: {answer:?}") };
        let told: usize = diagnostics.iter().map(|one| one.message.len()).sum();
        assert!(told <= BYTES, "{what}: {told} bytes are told");
        let says_nothing = diagnostics.is_empty() && outcome.is_empty();
        assert_eq!(says_nothing, IS_NOTHING.contains(&what), "{what}");
        if let Some((_, mended)) = mend(&text) {
            assert!(mended.len() <= text.len() * 4, "{what}");
        }
    }
}

#[test]
fn an_applied_text_is_answered() {
    let mut cluster = lesson();
    for (what, text) in texts() {
        bounded(&mut cluster, what, |cluster| {
            cluster.input(Input::WriteFile { name: "x.yaml".to_string(), text });
            let answer = cluster.run_line("kubectl apply -f x.yaml 2>&1 | tail -c 300");
            assert!(!answer.is_empty(), "{what}");
            cluster.sleep(2);
            cluster.run_line("kubectl delete -f x.yaml --ignore-not-found --wait=false | tail -c 300");
        });
    }
    let answer = cluster.run_line("kubectl get deployment web");
    assert!(answer.contains("web    2/2"), "{answer}");
}

#[test]
fn refusals_are_told() {
    let mut cluster = lesson();
    let rows = [
        ("kubectl run a --image=nginx:no-such-tag; sleep 3; kubectl describe pod a", "Error: ErrImagePull"),
        (&*format!("kubectl run {} --image=nginx", "a".repeat(254)), "must be no more than 253"),
        ("kubectl create deployment UPPER --image=nginx", "a lowercase RFC 1123 subdomain must consist of"),
        ("kubectl create service nodeport one --tcp=80 --node-port=30001", "service/one created"),
        (
            "kubectl create service nodeport two --tcp=80 --node-port=30001",
            "provided port is already allocated",
        ),
        (
            "kubectl create service nodeport far --tcp=80 --node-port=80",
            "The range of valid ports is 30000-32767",
        ),
        (
            "kubectl create service clusterip nobody --tcp=80; sleep 2; ssh node-1 curl --max-time 1 $(kubectl get svc nobody -o jsonpath={.spec.clusterIP})",
            "Couldn't connect to server",
        ),
        (
            "kubectl run big --image=nginx --overrides='{\"spec\":{\"containers\":[{\"name\":\"big\",\"image\":\"nginx\",\"resources\":{\"requests\":{\"example.com/gpu\":\"1\"},\"limits\":{\"example.com/gpu\":\"1\"}}}]}}'; sleep 2; kubectl describe pod big",
            "Insufficient example.com/gpu",
        ),
        ("kubectl get pods -l 'a in ('", "unable to parse requirement"),
        ("kubectl get pods --field-selector=no.such=field", "field label not supported"),
        ("kubectl scale deployment web --replicas=-1", "must be greater than or equal to 0"),
        ("kubectl apply -f /no/such.yaml", "does not exist"),
        ("kubectl frobnicate", "unknown command"),
        ("kubectl get nothings", "the server doesn't have a resource type"),
    ];
    for (line, words) in rows {
        let answer = bounded(&mut cluster, line, |cluster| cluster.run_line(line));
        assert!(answer.contains(words), "{line}\n{answer}");
    }
}

#[test]
fn patches_are_bounded() {
    let mut cluster = lesson();
    let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    let list = format!(
        "[{}]",
        "{\"op\":\"copy\",\"from\":\"/metadata\",\"path\":\"/metadata/annotations\"},"
            .repeat(3_000)
            .trim_end_matches(',')
    );
    let doubling = format!(
        "[{}{{\"op\":\"test\",\"path\":\"/x\",\"value\":1}}]",
        "{\"op\":\"copy\",\"from\":\"/spec\",\"path\":\"/spec/more\"},".repeat(60)
    );
    for (kind, patch) in [
        ("merge", &*deep),
        ("strategic", &*deep),
        ("json", &*deep),
        ("json", &*list),
        ("json", &*doubling),
        ("json", "[{\"op\":\"fly\",\"path\":\"/a\"}]"),
        ("json", "[{\"op\":\"add\",\"path\":\"~9\",\"value\":1}]"),
        ("json", "[{\"op\":\"remove\",\"path\":\"/spec/template/spec/containers/99999999999999999999\"}]"),
        ("json", "[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/-1\",\"value\":{}}]"),
        ("strategic", "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"$patch\":\"fly\"},3,null]}}}}"),
        ("strategic", "{\"$patch\":\"replace\"}"),
        ("strategic", "{\"$patch\":\"delete\"}"),
        ("strategic", "{\"spec\":{\"$retainKeys\":3,\"$setElementOrder/x\":{}}}"),
        ("merge", "[]"),
        ("merge", "null"),
        ("merge", "\u{0}"),
    ] {
        cluster.input(Input::WriteFile { name: "p".to_string(), text: patch.to_string() });
        let line = format!("kubectl patch deployment web --type={kind} --patch-file=p | tail -c 200");
        bounded(&mut cluster, &line, |cluster| cluster.run_line(&line));
    }
    cluster.sleep(10);
    assert!(cluster.run_line("kubectl get deployments").contains("web"));
}

#[test]
fn endless_commands_are_interrupted() {
    let lines = [
        "while true; do :; done",
        "while :; do echo x; done",
        "until false; do true; done",
        "for ((;;)); do :; done",
        "yes",
        "yes | cat",
        "yes | sort",
        "yes | grep n",
        "f() { f; }; f",
        "f() { f | f; }; f",
        "f() { f & }; f",
        ":(){ :|:& };:",
        "eval 'eval \"$x\"'",
        "x='eval \"$x\"'; eval \"$x\"",
        "a() { b; }; b() { a; }; a",
        "while true; do curl -s 10.64.140.11:1; done",
        "while true; do kubectl get pods; done",
        "kubectl get pods -w",
        "kubectl logs -f deploy/web",
        "sleep infinity",
        "tail -f /tmp/none",
        "watch kubectl get pods",
        "cat",
        "read x",
        "x=a; while true; do x=$x$x; done",
        "cat <(yes)",
        "seq 1 99999999999",
        "seq 1 99999999999 | wc -l",
        "echo {1..999999999}",
        "printf '%999999999d' 1",
        "x=$(yes)",
        "echo $(while true; do echo x; done)",
        "bash",
        "kubectl exec -it deploy/web -- bash",
        "kubectl exec deploy/web -- sh -c 'while true; do :; done'",
        "ssh node-1",
        "sh -c 'sh -c \"while :; do :; done\"'",
        "while true; do sleep 0; done",
        "echo $((1/0)) $((9223372036854775807+1)) $((-9223372036854775808/-1)) $((1<<64))",
        "exec 3>&1; while true; do echo a > a; cat a >> a; done",
        "while true; do touch f$RANDOM; done",
        "ping 10.64.140.11",
        "kubectl get pods | while true; do read x; done",
    ];
    let begun = lesson();
    for line in lines {
        let mut cluster = begun.clone();
        cluster.type_line(line);
        for _ in 0..3 {
            steps(&mut cluster, 60);
            cluster.input(Input::Interrupt { tab: 1 });
        }
        cluster.input(Input::Line { tab: 1, text: "exit 0".to_string() });
        cluster.input(Input::Interrupt { tab: 1 });
        steps(&mut cluster, 60);
        let answer = bounded(&mut cluster, line, |cluster| cluster.run_line("echo still here"));
        assert!(answer.contains("still here"), "{line}\n{answer}");
        assert!(serde_json::to_string(&cluster.frame()).unwrap().len() <= 4 << 20, "{line}");
    }
}

#[test]
fn odd_lines_are_answered() {
    let mut cluster = lesson();
    let long = "x".repeat(1 << 20);
    let lines = [
        String::new(),
        "\0".to_string(),
        " \t ".to_string(),
        long.clone(),
        format!("echo {long} | wc -c"),
        format!("kubectl get pods -l {long}"),
        "kubectl get pods ".repeat(5_000),
        "echo ".to_string() + &"$(".repeat(20_000),
        "(".repeat(50_000),
        "{ ".repeat(20_000),
        "echo \"".to_string() + &"\"$(echo \"".repeat(3_000),
        "if ".repeat(20_000),
        "! ".repeat(20_000) + "true",
        "a=".repeat(20_000),
        "echo ".to_string() + &"${a:-".repeat(20_000),
        "echo $((".to_string() + &"(".repeat(20_000),
        "kubectl get pods -o jsonpath='".to_string() + &"{range .items[*]}".repeat(3_000) + "'",
        "kubectl get pods -o jsonpath='{..*..*..*..*..*..*}' | wc -c".to_string(),
        "kubectl get pods -o go-template='".to_string() + &"{{range .items}}".repeat(2_000) + "'",
        "kubectl get pods -o custom-columns=".to_string() + &"A:.a,".repeat(5_000),
        "echo \u{202e}\u{1f468}\u{200d}\u{1f469} | rev | sed 's/./&&/g' | cut -c1-3 | tr '\u{1f468}' x"
            .to_string(),
        "echo '".to_string(),
        "cat <<E".to_string(),
        "E".to_string(),
        "echo a | sed 's/\\(a*\\)*b/x/'".to_string(),
        "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '^(a+)+$b'".to_string(),
        "echo a | sed ':a;s/a/aa/;ba'".to_string(),
        "> /".to_string(),
        "cd /no/such; cd -; cd; pwd".to_string(),
        "curl ''".to_string(),
        "curl http://[::1]/".to_string(),
        format!("curl -s {long}"),
        "curl -d @/none -H a -X '\u{1}' 10.64.140.11".to_string(),
        "ssh ''".to_string(),
        "ssh -p".to_string(),
        "ssh node-1 ssh node-2 ssh node-3 hostname".to_string(),
        "ssh node-1 'iptables -t nat -A'".to_string(),
        "ssh node-1 'echo \"*nat\" | iptables-restore'".to_string(),
        "ssh node-1 'iptables-save | iptables-restore'".to_string(),
        "ssh node-1 conntrack -L -p".to_string(),
        "machine stop".to_string(),
        "microk8s enable metallb:1-0".to_string(),
        "microk8s enable metallb:0.0.0.0/0".to_string(),
        "microk8s enable metallb:10.64.140.49-10.64.140.43".to_string(),
        "exit".to_string(),
        "echo after".to_string(),
        "unset PATH HOME PWD; cd; pwd".to_string(),
        "kill -9 $$; kill %9; kill x".to_string(),
        "kubectl config set-context --current --namespace=\u{0}".to_string(),
        "kubectl get pods".to_string(),
        "kubectl config use-context none; kubectl get pods".to_string(),
    ];
    for line in lines {
        cluster.input(Input::Line { tab: 1, text: line });
        steps(&mut cluster, 1_000);
        cluster.input(Input::Interrupt { tab: 1 });
        cluster.frame();
    }
    assert!(cluster.run_line("echo still here").contains("still here"));
}

#[test]
fn tabs_are_bounded() {
    let mut cluster = lesson();
    for n in 0..10_000_u32 {
        cluster.input(Input::OpenTab);
        if n.is_multiple_of(100) {
            cluster.input(Input::Line { tab: n, text: "while true; do echo x; done".to_string() });
        }
    }
    for n in 0..200_u32 {
        cluster.input(Input::CloseTab { tab: n.wrapping_mul(37) });
        cluster.input(Input::Edited { tab: n, text: Some("x".repeat(1_000)) });
        cluster.input(Input::Interrupt { tab: u32::MAX - n });
        cluster.input(Input::WriteFile {
            name: format!("../../{}\u{0}/{n}", "a/".repeat(200)),
            text: "x".repeat(100_000),
        });
        cluster.input(Input::Power { node: format!("node-{n}x"), on: false });
    }
    steps(&mut cluster, 5_000);
    let tabs = cluster.frame().tabs.map_or(0, |tabs| tabs.len());
    assert!(tabs <= 64, "{tabs} tabs");
}

#[test]
fn odd_questions_are_answered() {
    let mut cluster = lesson();
    let long = "x".repeat(1 << 20);
    for text in [
        "",
        "\0",
        "kubectl get pods -",
        "kubectl logs ",
        "kubectl get pods -l a=\"",
        "한",
        "a\u{301}",
        "| | |",
        "$(",
        &long,
    ] {
        cluster.ask(&Ask::Complete { tab: 1, line: text.to_string() });
        cluster.ask(&Ask::Complete { tab: 99, line: text.to_string() });
        cluster.ask(&Ask::Object { object: text.to_string() });
        cluster.ask(&Ask::Object { object: format!("pods/default/{text}") });
    }
}
