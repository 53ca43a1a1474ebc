use super::Script;
use crate::cri::{
    AppCx, Came, Catalogue, Effect, Files, Found, Image, LogOptions, LogRing, PodFacts, Reference, RootFs,
    Storage, View,
};
use network::dns::{DnsCode, DnsRecord, RecordData, RecordType};
use network::{Answer, HttpResponse, Outcome};
use sim::{Chance, SECOND, Time, Timing};
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Default)]
struct World {
    version: &'static str,
    root: RootFs,
    volumes: BTreeMap<Rc<str>, Files>,
    node: Files,
    storage: Storage,
    logs: LogRing,
}

impl World {
    fn with<T>(&mut self, now: Time, work: impl FnOnce(&mut AppCx) -> T) -> T {
        let pod = PodFacts {
            hostname: "web-0".into(),
            ip: "10.244.1.2".into(),
            version: self.version.into(),
            ..PodFacts::default()
        };
        let env = [("HOME".into(), "/root".into()), ("GREETING".into(), "hello  you".into())];
        work(&mut AppCx {
            now,
            chance: Chance::new(1),
            timing: &Timing::default(),
            pod: &pod,
            env: &env,
            files: View {
                root: &mut self.root,
                volumes: &mut self.volumes,
                node: &mut self.node,
                storage: &mut self.storage,
            },
            logs: &mut self.logs,
            main: None,
        })
    }

    fn lines(&self) -> Vec<String> {
        self.logs.select(&LogOptions::default()).iter().map(|line| line.text.to_string()).collect()
    }
}

fn busybox() -> Rc<Image> {
    image("busybox")
}

fn image(name: &str) -> Rc<Image> {
    match Catalogue::built_in().find(&Reference::parse(name).unwrap()) {
        Found::Image(image, _) => image,
        Found::NoSuchTag => panic!("{name} has its tags"),
    }
}

fn argv(words: &[&str]) -> Vec<Rc<str>> {
    words.iter().map(|word| (*word).into()).collect()
}

/// Runs a script for so many seconds; returns what it wrote, and its exit code where it ended.
fn play(text: &str, seconds: i64) -> (Vec<String>, Option<i64>) {
    play_in("busybox", text, seconds)
}

fn play_in(name: &str, text: &str, seconds: i64) -> (Vec<String>, Option<i64>) {
    let mut world = World::default();
    world.root.written.write("/etc/motd", "one\ntwo\nthree\n");
    let mut script = Script::from_argv(&argv(&["sh", "-c", text]), &image(name));
    let mut now = Time(0);
    for _ in 0..10_000 {
        for effect in world.with(now, |cx| script.step(cx)) {
            if let Effect::Exit(code) = effect {
                return (world.lines(), Some(code));
            }
        }
        if script.next_at() > Time(seconds * SECOND) {
            break;
        }
        now = now.max(script.next_at());
    }
    (world.lines(), None)
}

#[test]
fn scripts_do_what_a_shell_does() {
    for (text, lines, code) in [
        ("echo hi", &["hi"][..], Some(0)),
        ("echo $GREETING; echo \"$GREETING\"", &["hello you", "hello  you"], Some(0)),
        ("exit 3", &[], Some(3)),
        ("false && echo a || echo b", &["b"], Some(0)),
        ("! true; echo $?", &["1"], Some(0)),
        ("if [ -f /tmp/x ]; then echo yes; elif true; then echo else; fi", &["else"], Some(0)),
        ("for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done", &["1", "3"], Some(0)),
        (
            "for i in $(seq 1 3); do [ $i -eq 3 ] && break; echo n$i; done; echo end",
            &["n1", "n2", "end"],
            Some(0),
        ),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i", &["3"], Some(0)),
        ("until [ \"$n\" = xx ]; do n=${n}x; done; echo $n", &["xx"], Some(0)),
        ("echo a > /tmp/f; echo b >> /tmp/f; cat /tmp/f", &["a", "b"], Some(0)),
        ("cat /etc/motd | grep t | wc -l", &["2"], Some(0)),
        ("for l in a b; do echo $l; done > /tmp/o; cat /tmp/o", &["a", "b"], Some(0)),
        ("cat /etc/motd | while read l; do echo \"<$l>\"; done", &["<one>", "<two>", "<three>"], Some(0)),
        ("echo \"host $(hostname) `echo x`\"", &["host web-0 x"], Some(0)),
        ("cat /no", &["cat: can't open '/no': No such file or directory"], Some(1)),
        ("nope", &["sh: nope: not found"], Some(127)),
        ("ls /no 2>/dev/null || echo none", &["none"], Some(0)),
        ("ls /no >/dev/null 2>&1; echo $?", &["1"], Some(0)),
        ("date +%H:%M; date", &["00:00", "Thu Jan  1 00:00:00 UTC 1970"], Some(0)),
        ("touch /tmp/healthy; sleep 30; rm -rf /tmp/healthy; sleep 600", &[], None),
        ("while true; do echo tick; sleep 20; done", &["tick", "tick", "tick", "tick"], None),
        ("(echo sub; exit 1) ; echo after", &["sub"], Some(1)),
        ("sleep 1 & wait; echo done", &["done"], Some(0)),
        ("while true; do :; done", &[], None),
        ("echo 'a b' \"c\\\"d\" e\\ f # comment", &["a b c\"d e f"], Some(0)),
        ("printenv GREETING NOBODY HOME", &["hello  you", "/root"], Some(1)),
        ("printenv", &["GREETING=hello  you", "HOME=/root"], Some(0)),
        ("printf 'x=%s y=%d\\n' a 5", &["x=a y=5"], Some(0)),
        ("echo one\necho two", &["one", "two"], Some(0)),
        ("if true; then", &["sh: Syntax error: end of file unexpected (expecting \"fi\")"], Some(2)),
        ("echo \"open", &["sh: Syntax error: Unterminated quoted string"], Some(2)),
    ] {
        let (written, ended) = play(text, 60);
        assert_eq!(
            (written.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), ended),
            (lines, code),
            "{text}"
        );
    }
}

#[test]
fn a_script_asks_the_network_and_goes_on_with_the_answer() {
    let record = |name: &str, data| DnsRecord { name: name.into(), ttl_seconds: 30, data };
    let web = "web.default.svc.cluster.local";
    let address = vec![record(web, RecordData::A([10, 96, 0, 7].into()))];
    let found = Came::Records(DnsCode::NoError, address);
    let missing = Came::Records(DnsCode::NxDomain, Vec::new());
    let body = Came::Outcome(
        [10, 96, 0, 7].into(),
        Outcome::Answered(Answer::Http(HttpResponse::new(200, "welcome\n"))),
    );
    let refused = Came::Outcome([10, 96, 0, 7].into(), Outcome::Refused);
    for (text, came, lines, code) in [
        ("wget -qO- http://web && echo ok", &body, &["welcome", "ok"][..], 0),
        ("wget -q -O- http://web", &body, &["welcome"], 0),
        ("x=$(curl -s web:8080/a); echo got $x", &body, &["got welcome"], 0),
        ("curl -s -o /dev/null -w '%{http_code}' http://web", &body, &["200"], 0),
        (
            "wget -O- http://web",
            &refused,
            &[
                "Connecting to web (10.96.0.7:80)",
                "wget: can't connect to remote host (10.96.0.7): Connection refused",
            ],
            1,
        ),
        (
            "curl http://web",
            &refused,
            &["curl: (7) Failed to connect to web port 80 after 2000 ms: Could not connect to server"],
            7,
        ),
        ("curl -s http://web; echo $?", &refused, &["7"], 0),
        ("curl nobody", &Came::NoSuchName, &["curl: (6) Could not resolve host: nobody"], 6),
        (
            "nslookup web",
            &found,
            &[
                "Server:\t\t10.96.0.10",
                "Address:\t10.96.0.10:53",
                "",
                "Name:\tweb.default.svc.cluster.local",
                "Address: 10.96.0.7",
                "",
                "",
            ],
            0,
        ),
        (
            "nslookup nobody.x",
            &missing,
            &[
                "Server:\t\t10.96.0.10",
                "Address:\t10.96.0.10:53",
                "",
                "** server can't find nobody.x: NXDOMAIN",
                "",
                "** server can't find nobody.x: NXDOMAIN",
                "",
            ],
            1,
        ),
        (
            "nslookup web >/dev/null || nslookup nobody",
            &Came::NoDns,
            &[";; connection timed out; no servers could be reached", ""],
            1,
        ),
        ("until nslookup web >/dev/null; do echo waiting; done; echo there", &found, &["there"], 0),
    ] {
        let mut world = World::default();
        world.root.written.write("/etc/resolv.conf", "nameserver 10.96.0.10\n");
        let mut script = Script::from_argv(&argv(&["sh", "-c", text]), &busybox());
        let effects = world.with(Time(0), |cx| script.step(cx));
        assert_eq!(script.next_at(), Time::NEVER, "{text}");
        let effects = converse(&mut world, &mut script, effects, |_, _| came.clone());
        assert_eq!(world.lines(), lines, "{text}");
        assert_eq!(effects, [Effect::Exit(code)], "{text}");
    }
}

/// Answers a script until it asks nothing more; of IPv6 there is nothing.
fn converse(
    world: &mut World,
    script: &mut Script,
    mut effects: Vec<Effect>,
    answer: impl Fn(&str, RecordType) -> Came,
) -> Vec<Effect> {
    for _ in 0..10 {
        let asked = effects.iter().find_map(|effect| match effect {
            Effect::Call { tag, .. } => Some((*tag, answer("", RecordType::A))),
            Effect::Lookup { tag, name, kind: RecordType::Aaaa } => {
                let nothing = |code: DnsCode| Came::Records(code, Vec::new());
                Some((
                    *tag,
                    match answer(name, RecordType::Aaaa) {
                        Came::Records(code, _) => nothing(code),
                        other => other,
                    },
                ))
            }
            Effect::Lookup { tag, name, kind } => Some((*tag, answer(name, *kind))),
            _ => None,
        });
        let Some((tag, came)) = asked else { break };
        effects = world.with(Time(2 * SECOND), |cx| script.on_reply(cx, tag, &came));
    }
    effects
}

#[test]
fn the_nslookup_of_old_images_asks_through_the_c_library() {
    let record = |data| DnsRecord { name: "web".into(), ttl_seconds: 30, data };
    let answer = |name: &str, kind: RecordType| {
        let data = match (name, kind) {
            ("web", RecordType::A) => RecordData::A([10, 96, 0, 7].into()),
            ("7.0.96.10.in-addr.arpa.", RecordType::Ptr) => {
                RecordData::Ptr("web.default.svc.cluster.local".into())
            }
            ("10.0.96.10.in-addr.arpa.", RecordType::Ptr) => {
                RecordData::Ptr("kube-dns.kube-system.svc.cluster.local".into())
            }
            _ => return Came::Records(DnsCode::NxDomain, Vec::new()),
        };
        Came::Records(DnsCode::NoError, vec![record(data)])
    };
    let head = ["Server:    10.96.0.10", "Address 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local", ""];
    for (text, lines, code) in [
        ("nslookup web", &["Name:      web", "Address 1: 10.96.0.7 web.default.svc.cluster.local"][..], 0),
        ("nslookup nobody", &["nslookup: can't resolve 'nobody'"], 1),
    ] {
        let mut world = World { version: "1.28", ..World::default() };
        world.root.written.write("/etc/resolv.conf", "nameserver 10.96.0.10\n");
        let mut script = Script::from_argv(&argv(&["sh", "-c", text]), &busybox());
        let effects = world.with(Time(0), |cx| script.step(cx));
        let effects = converse(&mut world, &mut script, effects, answer);
        assert_eq!(world.lines(), [&head[..], lines].concat(), "{text}");
        assert_eq!(effects, [Effect::Exit(code)], "{text}");
    }
}

#[test]
fn tail_writes_what_comes_to_files() {
    let gnu = "tail: cannot open '/tmp/f' for reading: No such file or directory";
    let appeared = "tail: '/tmp/f' has appeared;  following new file";
    for (image, text, lines, code) in [
        (
            "busybox",
            "tail -n 1 /etc/motd; tail -n+2 /etc/motd; tail -2 /etc/motd",
            &["three", "two", "three", "two", "three"][..],
            Some(0),
        ),
        ("busybox", "tail -c 4 /etc/motd; tail -n 0 /etc/motd; tail -n+9 /etc/motd", &["ree"], Some(0)),
        ("busybox", "(sleep 3; echo four >> /etc/motd) & tail -n 1 -f /etc/motd", &["three", "four"], None),
        (
            "busybox",
            "(sleep 3; echo one > /tmp/f; sleep 3; echo two >> /tmp/f) & tail -F /tmp/f",
            &[
                "tail: can't open '/tmp/f': No such file or directory",
                "tail: /tmp/f has appeared; following end of new file",
                "one",
                "two",
            ],
            None,
        ),
        (
            "nginx",
            "(sleep 3; echo one > /tmp/f; sleep 3; echo x > /tmp/f) & tail -n+1 -F /tmp/f",
            &[gnu, appeared, "one", "tail: /tmp/f: file truncated", "x"],
            None,
        ),
        (
            "busybox",
            "tail -f /tmp/f || echo $?",
            &["tail: can't open '/tmp/f': No such file or directory", "tail: no files", "1"],
            Some(0),
        ),
        (
            "busybox",
            "(sleep 3; echo a > /tmp/f; echo b >> /etc/motd) & tail -n 1 -F /etc/motd /tmp/f",
            &[
                "==> /etc/motd <==",
                "three",
                "tail: can't open '/tmp/f': No such file or directory",
                "b",
                "tail: /tmp/f has appeared; following end of new file",
                "",
                "==> /tmp/f <==",
                "a",
            ],
            None,
        ),
        ("busybox", "tail -f /dev/null", &[], None),
    ] {
        let (written, ended) = play_in(image, text, 60);
        assert_eq!(
            (written.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), ended),
            (lines, code),
            "{text}"
        );
    }
}

#[test]
fn a_trap_ends_a_script_and_nothing_else_does() {
    for (text, code) in [
        ("trap 'echo bye; exit 4' TERM; while true; do sleep 1; done", Some(4)),
        ("trap '' TERM; sleep 100", None),
        ("sleep 100", None),
    ] {
        let mut world = World::default();
        let mut script = Script::from_argv(&argv(&["sh", "-c", text]), &busybox());
        world.with(Time(0), |cx| script.step(cx));
        assert_eq!(world.with(Time(1), |cx| script.on_term(cx)), code, "{text}");
        assert_eq!(world.lines(), if code.is_some() { vec!["bye"] } else { vec![] });
    }
}
