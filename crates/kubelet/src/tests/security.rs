use super::Bench;
use crate::cri::LogOptions;
use sim::SECOND;

fn logs(bench: &Bench, name: &str) -> Vec<String> {
    let logs = bench.kubelet.logs("default", name, &LogOptions::default()).unwrap();
    logs.lines.iter().map(|line| line.text.to_string()).collect()
}

#[test]
fn a_read_only_root_is_written_in_mounts_only() {
    for (command, lines) in [
        ("touch /r", vec!["touch: /r: Read-only file system"]),
        ("mkdir /d", vec!["mkdir: can't create directory '/d': Read-only file system"]),
        ("echo hi > /rr", vec!["sh: can't create /rr: Read-only file system"]),
        ("touch /x > /rr || echo $?", vec!["sh: can't create /rr: Read-only file system", "1"]),
        ("{ echo a; echo b; } > /rr; echo c", vec!["sh: can't create /rr: Read-only file system", "c"]),
        ("rm /etc/hosts", vec!["rm: can't remove '/etc/hosts': Read-only file system"]),
        ("echo hi > /data/x; cat /data/x", vec!["hi"]),
        ("echo hi > /dev/shm/x; echo bye > /dev/termination-log; cat /dev/shm/x", vec!["hi"]),
        ("echo hi > /dev/null; echo bye", vec!["bye"]),
    ] {
        let mut bench = Bench::real();
        let spec = format!(
            r#"{{"restartPolicy": "Never", "containers": [{{"name": "c", "image": "busybox", "command": ["sh", "-c", "{command}"],
            "securityContext": {{"readOnlyRootFilesystem": true}}, "volumeMounts": [{{"name": "v", "mountPath": "/data"}}]}}],
            "volumes": [{{"name": "v", "emptyDir": {{}}}}]}}"#
        );
        bench.pod("p", &spec);
        bench.run(8 * SECOND);
        assert_eq!(logs(&bench, "p"), lines, "{command}");
    }
}

#[test]
fn nginx_needs_its_cache_and_its_pid_file() {
    let emerg = |path: &str| {
        let (call, path) = path.split_once(' ').unwrap();
        format!("nginx: [emerg] {call}() \"{path}\" failed (30: Read-only file system)")
    };
    for (mounts, last) in [
        (vec![], Some(emerg("mkdir /var/cache/nginx/client_temp"))),
        (vec!["/var/cache/nginx"], Some(emerg("open /run/nginx.pid"))),
        (vec!["/run"], Some(emerg("mkdir /var/cache/nginx/client_temp"))),
        (vec!["/var/cache/nginx", "/run"], None),
        (vec!["/var/cache/nginx", "/var/run"], None),
    ] {
        let mut bench = Bench::real();
        let list = |form: &dyn Fn(usize, &str) -> String| {
            mounts.iter().enumerate().map(|(i, path)| form(i, path)).collect::<Vec<_>>().join(", ")
        };
        let spec = format!(
            r#"{{"containers": [{{"name": "c", "image": "nginx", "securityContext": {{"readOnlyRootFilesystem": true}},
            "volumeMounts": [{}]}}], "volumes": [{}]}}"#,
            list(&|i, path| format!(r#"{{"name": "v{i}", "mountPath": "{path}"}}"#)),
            list(&|i, _| format!(r#"{{"name": "v{i}", "emptyDir": {{}}}}"#))
        );
        bench.pod("p", &spec);
        bench.run(8 * SECOND);
        let lines = logs(&bench, "p");
        let refused = "10-listen-on-ipv6-by-default.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only \
                       file system?)";
        assert_eq!(lines[3], refused);
        assert!(lines[4].ends_with("15-local-resolvers.envsh"), "{lines:?}");
        let (shown, _, restarts) = bench.shown("p");
        match last {
            Some(last) => {
                assert_eq!(lines.last(), Some(&last), "{mounts:?}");
                assert_eq!((shown.as_str(), restarts > 0), ("CrashLoopBackOff", true));
                let end = bench.get("p")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
                assert_eq!((end["exitCode"].int(), end["reason"].str()), (1, "Error"));
            }
            None => assert_eq!((shown.as_str(), restarts), ("Running", 0), "{mounts:?} {lines:?}"),
        }
    }
}

const USER: &str = r#""securityContext": {"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000, "supplementalGroups": [4000]},"#;

#[test]
fn a_user_and_its_groups_reach_the_program() {
    for (context, command, lines) in [
        (USER, "id", vec!["uid=1000 gid=3000 groups=2000,3000,4000"]),
        (USER, "whoami", vec!["whoami: unknown uid 1000"]),
        (USER, "touch /etc/x", vec!["touch: /etc/x: Permission denied"]),
        (USER, "echo x > /x || echo $?", vec!["sh: can't create /x: Permission denied", "1"]),
        (USER, "echo x > /data/x; cat /data/x; touch /tmp/x && echo ok", vec!["x", "ok"]),
        (USER, "rm /etc/hosts", vec!["rm: can't remove '/etc/hosts': Permission denied"]),
        (
            "",
            "id; whoami; touch /etc/x && echo ok",
            vec!["uid=0(root) gid=0(root) groups=0(root)", "root", "ok"],
        ),
        (r#""securityContext": {"runAsUser": 1000},"#, "id", vec!["uid=1000 gid=0(root) groups=0(root)"]),
        (r#""securityContext": {"fsGroup": 2000},"#, "id -G; id -u", vec!["0 2000", "0"]),
    ] {
        let mut bench = Bench::real();
        let spec = format!(
            r#"{{"restartPolicy": "Never", {context} "containers": [{{"name": "c", "image": "busybox", "command": ["sh", "-c", "{command}"],
            "volumeMounts": [{{"name": "v", "mountPath": "/data"}}]}}], "volumes": [{{"name": "v", "emptyDir": {{}}}}]}}"#
        );
        bench.pod("p", &spec);
        bench.run(8 * SECOND);
        assert_eq!(logs(&bench, "p"), lines, "{command}");
    }
}

#[test]
fn a_user_and_its_groups_are_told_and_reach_commands_beside() {
    let mut bench = Bench::real();
    bench.pod(
        "p",
        &format!(
            r#"{{{USER} "containers": [{{"name": "c", "image": "busybox", "command": ["sleep", "1h"]}}]}}"#
        ),
    );
    bench.run(8 * SECOND);
    let user = bench.get("p")["status"]["containerStatuses"][0]["user"]["linux"].clone();
    assert_eq!(user.to_json(), r#"{"gid":3000,"supplementalGroups":[2000,3000,4000],"uid":1000}"#);
    let ids = bench.exec_context("p").unwrap().ids;
    assert_eq!((ids.user, ids.group, ids.groups), (1000, 3000, vec![2000, 3000, 4000]));
    assert_eq!(bench.write("p", "/etc/x"), Err("Permission denied".to_string()));
    assert_eq!(bench.write("p", "/tmp/x"), Ok(()));
}

#[test]
fn an_empty_dir_is_open_to_all_and_the_pods_group_s() {
    for (context, group) in [(USER, Some(2000)), ("", None)] {
        let mut bench = Bench::real();
        bench.put("v1", "ConfigMap", "cfg", r#"{"data": {"a": "b"}}"#);
        let spec = format!(
            r#"{{{context} "containers": [{{"name": "c", "image": "busybox", "command": ["sleep", "1h"], "volumeMounts":
            [{{"name": "v", "mountPath": "/data"}}, {{"name": "w", "mountPath": "/cfg"}}]}}],
            "volumes": [{{"name": "v", "emptyDir": {{}}}}, {{"name": "w", "configMap": {{"name": "cfg"}}}}]}}"#
        );
        bench.pod("p", &spec);
        bench.run(8 * SECOND);
        assert_eq!(bench.exec_context("p").unwrap().open_volumes, [("/data".into(), group)]);
    }
}

#[test]
fn nginx_takes_root() {
    let mut bench = Bench::real();
    let context = r#""securityContext": {"runAsUser": 1000}"#;
    for (name, image) in [("a", "nginx"), ("b", "nginxinc/nginx-unprivileged")] {
        bench.pod(name, &format!(r#"{{"containers": [{{"name": "c", "image": "{image}", {context}}}]}}"#));
    }
    bench.run(8 * SECOND);
    let lines = logs(&bench, "a");
    let words: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("nginx: ")).collect();
    let warn = "[warn] the \"user\" directive makes sense only if the master process runs with super-user privileges, \
                ignored in /etc/nginx/nginx.conf:2";
    let emerg = "[emerg] mkdir() \"/var/cache/nginx/client_temp\" failed (13: Permission denied)";
    assert_eq!(words, [warn, emerg]);
    assert_eq!(bench.shown("a").0, "CrashLoopBackOff");
    assert_eq!(bench.shown("b").0, "Running");
}
