use super::Bench;
use sim::SECOND;

#[test]
fn what_cannot_be_mounted_is_told() {
    let nfs = |output: &str, options: &str, source: &str| {
        format!(
            "mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs {options}{source} \
             /var/lib/kubelet/pods/UID/volumes/kubernetes.io~nfs/v\nOutput: mount.nfs: {output}\n"
        )
    };
    // the volume → the words, none where it is mounted
    for (volume, words) in [
        (r#""nfs": {"server": "10.64.140.1", "path": "/srv/nfs"}"#, String::new()),
        (r#""nfs": {"server": "10.64.140.1", "path": "/srv/nfs/a"}"#, String::new()),
        (
            r#""nfs": {"server": "10.64.140.1", "path": "/srv/nfsa"}"#,
            nfs(
                "mounting 10.64.140.1:/srv/nfsa failed, reason given by server: No such file or directory",
                "",
                "10.64.140.1:/srv/nfsa",
            ),
        ),
        (
            r#""nfs": {"server": "10.0.0.9", "path": "/srv", "readOnly": true}"#,
            nfs("Connection timed out", "-o ro ", "10.0.0.9:/srv"),
        ),
        (
            r#""nfs": {"server": "files.example.com", "path": "/"}"#,
            nfs(
                "Failed to resolve server files.example.com: Name or service not known",
                "",
                "files.example.com:/",
            ),
        ),
        (
            r#""gitRepo": {"repository": "https://example.com/a.git"}"#,
            crate::mount_fail::NO_GIT_REPO.to_string(),
        ),
    ] {
        let mut bench = Bench::real();
        bench.wire.storage.export("10.64.140.1", "/srv/nfs");
        bench.pod("p", &format!(
            r#"{{"containers": [{{"name": "c", "image": "nginx", "volumeMounts": [{{"name": "v", "mountPath": "/v"}}]}}],
            "volumes": [{{"name": "v", {volume}}}]}}"#
        ));
        bench.run(10 * SECOND);
        let pod = bench.get("p");
        let shown = if words.is_empty() { "Running" } else { "ContainerCreating" };
        assert_eq!(bench.shown("p").0, shown, "{volume}");
        let words = words.replace("UID", pod["metadata"]["uid"].str());
        let event = format!("FailedMount: MountVolume.SetUp failed for volume \"v\" : {words}");
        let events = bench.events("p");
        assert_eq!(events.contains(&event), !words.is_empty(), "{events:?}");
    }
}

#[test]
fn a_folder_cannot_take_the_place_of_a_file_of_the_image() {
    // where it is mounted, which part → whether the container starts
    for (path, sub_path, starts) in [
        ("/etc/nginx/nginx.conf", "nginx.conf", true),
        ("/etc/nginx/nginx.conf", "missing", false),
        ("/etc/nginx/nginx.conf", "", false),
        ("/etc/nginx/conf.d", "", true),
        ("/etc/app.conf", "missing", true),
    ] {
        let mut bench = Bench::real();
        bench.put("v1", "ConfigMap", "cfg", r#"{"data": {"nginx.conf": "events {}"}}"#);
        bench.pod("p", &format!(
            r#"{{"containers": [{{"name": "c", "image": "nginx", "volumeMounts": [{{"name": "v", "mountPath": "{path}",
            "subPath": "{sub_path}"}}]}}], "volumes": [{{"name": "v", "configMap": {{"name": "cfg"}}}}]}}"#
        ));
        bench.run(10 * SECOND);
        let uid = bench.get("p")["metadata"]["uid"].text();
        let shown = if starts { "Running" } else { "CrashLoopBackOff" };
        assert_eq!(bench.shown("p").0, shown, "{path} {sub_path}");
        let last = bench.get("p")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
        assert_eq!(last["exitCode"].as_int(), (!starts).then_some(128));
        if !starts {
            let source = match sub_path {
                "" => "volumes/kubernetes.io~configmap/v",
                _ => "volume-subpaths/v/c/0",
            };
            let words =
                format!("error mounting \"/var/lib/kubelet/pods/{uid}/{source}\" to rootfs at \"{path}\": ");
            assert!(last["message"].str().contains(&words), "{last:?}");
            assert!(
                last["message"].str().ends_with("/rootfs/etc/nginx/nginx.conf\": not a directory"),
                "{last:?}"
            );
        }
    }
}
