//! A rollout of 10 pods under 500 requests a second: what is lost, and by which cause.

use crate::{Cluster, Preset};

/// A pod says when it is ready, and goes on answering until no node's rules lead to it any more.
const CAREFUL: &str = r#"{"spec":{"minReadySeconds":1,"template":{"spec":{"containers":[{"name":"nginx","readinessProbe":{"httpGet":{"path":"/","port":80},"periodSeconds":1},"lifecycle":{"preStop":{"sleep":{"seconds":5}}}}]}}}}"#;

/// The modes of kube-proxy.
const MODES: [&str; 3] = ["iptables", "ipvs", "nftables"];

/// How many requests a careless rollout loses with seed 11: refused, and without a route.
const LOST: [(&str, [u32; 2]); 3] = [("iptables", [29, 43]), ("ipvs", [36, 47]), ("nftables", [29, 43])];

/// At most so many are reset. Whether any is depends on who happens to be answered at the moment when a pod ends: with
/// seeds 11 to 15 it was 0, 5, 15, 0 and 0.
const RESET: u32 = 60;

/// Rolls ten pods out anew under load, and returns what hey prints.
fn under_load(mode: &str, patch: &str, flags: &str) -> String {
    let preset = Preset { proxy_mode: mode.to_string(), ..Preset::named("lesson").unwrap() };
    let mut cluster = Cluster::new(&preset, 11);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=10");
    cluster.run_line("kubectl create service nodeport web --tcp=80:80 --node-port=31080");
    if !patch.is_empty() {
        cluster.run_line(&format!("kubectl patch deployment web -p '{patch}'"));
    }
    cluster.sleep(90);
    let load = format!("hey -z 30s -c 50 -q 10 {flags} http://10.64.140.11:31080/");
    let printed = cluster.run_line(&format!("(sleep 3; kubectl rollout restart deployment web) & {load}"));
    let status = cluster.run_line("kubectl rollout status deployment web --timeout=90s");
    assert!(format!("{status:?}").contains("successfully rolled out"), "{status:?}");
    format!("{printed:?}").replace("\\n", "\n").replace("\\t", " ").replace("\\\"", "'")
}

/// Returns the lines `[NUMBER] WORDS` of what hey prints: answers by status, then errors by cause.
fn ends(printed: &str) -> Vec<String> {
    let lines = printed.lines().map(str::trim);
    lines.filter(|line| line.starts_with('[') && !line.contains("Done")).map(str::to_string).collect()
}

#[test]
fn none_is_lost_with_readiness_and_a_pre_stop_hook_in_any_mode() {
    for mode in MODES {
        for flags in ["", "-disable-keepalive"] {
            assert_eq!(ends(&under_load(mode, CAREFUL, flags)), ["[200] 14950 responses"], "{mode} {flags}");
        }
    }
}

#[test]
fn a_careless_rollout_loses_requests_by_causes_that_can_be_told_in_any_mode() {
    // What is lost came to a pod that had stopped listening or didn't yet, to one that was gone, whose address
    // nobody answers ARP for, or to one that ended before it had answered. Each worker that meets an address
    // without a pod waits three seconds, so that it asks less often.
    for (mode, wanted) in LOST {
        let ends = ends(&under_load(mode, "", "-disable-keepalive"));
        let count = |words: &str| -> u32 {
            let line = ends.iter().find(|line| line.contains(words)).map(String::as_str).unwrap_or_default();
            line.trim_start_matches('[').split(']').next().and_then(|count| count.parse().ok()).unwrap_or(0)
        };
        println!("{mode}: {ends:?}");
        for (cause, stated) in ["connection refused", "no route to host"].into_iter().zip(wanted) {
            // Whatever else happens in the cluster moves the dice, so that the number isn't always the same.
            assert!((stated / 4..=stated * 4).contains(&count(cause)), "{mode}, {cause}: {ends:?}");
        }
        let reset = count("connection reset by peer");
        assert!(reset <= RESET, "{mode}: {ends:?}");
        assert_eq!(ends.len(), 3 + usize::from(reset > 0), "{mode}, no other cause: {ends:?}");
        let answered =
            ends[0].trim_start_matches("[200] ").trim_end_matches(" responses").parse().unwrap_or(0);
        assert!((13_000..14_950).contains(&answered), "{mode}: {ends:?}");
    }
}

#[test]
fn a_kept_connection_stays_with_its_pod_and_goes_over_when_that_ends() {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 3);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=4");
    cluster.run_line("kubectl create service nodeport web --tcp=80:80 --node-port=31080");
    cluster.sleep(60);
    let asked = |cluster: &mut Cluster, flags: &str| {
        cluster.begin_frames();
        let _ = cluster.frame();
        cluster.run_line(&format!("hey -n 40 -c 1 {flags} http://10.64.140.11:31080/"));
        let rows = cluster.frame().rows.answers.into_values().flatten();
        rows.map(|row| row.pod).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(asked(&mut cluster, "").len(), 1, "one connection, one pod");
    assert_eq!(asked(&mut cluster, "-disable-keepalive").len(), 4);
}

#[test]
fn applications_take_time_fail_and_drain_as_they_are_told() {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 5);
    cluster.run_line("kubectl create deployment shop --image=example.com/shop:1 --port=80 --replicas=2");
    cluster.run_line("kubectl set env deployment shop RESPONSE_DELAY_MS=50 FAIL_PERCENT=20 DRAIN_SECONDS=8");
    cluster.run_line("kubectl create service nodeport shop --tcp=80:80 --node-port=31080");
    cluster.sleep(60);
    let ends = ends(&cluster.run_line("hey -n 1000 -c 10 http://10.64.140.11:31080/"));
    let failed =
        ends.iter().find_map(|line| line.strip_prefix("[500]")?.trim().split(' ').next()?.parse().ok());
    assert!((150..250).contains(&failed.unwrap_or(0)), "{ends:?}");
    let rows = cluster.frame().rows.traffic.into_values().flatten();
    let latencies = rows.fold(vec![0; 13], |sum, row| {
        sum.iter().zip(row.latencies.iter().chain(std::iter::repeat(&0))).map(|(a, b)| a + b).collect()
    });
    assert!(latencies[..5].iter().all(|count| *count == 0) && latencies[6] > 900, "{latencies:?}");
    // It answers on while it drains: only what finds no pod at all could be lost.
    let load = "hey -z 20s -c 10 -q 5 -disable-keepalive http://10.64.140.11:31080/";
    let printed = cluster.run_line(&format!("(sleep 2; kubectl rollout restart deployment shop) & {load}"));
    assert!(!printed.contains("Error distribution"), "{printed}");
}
