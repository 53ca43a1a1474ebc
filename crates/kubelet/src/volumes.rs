use crate::cri::{Files, Mount, MountSource};
use crate::csi::Missing;
use crate::mount_fail::{NO_GIT_REPO, check_host_path, is_there};
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::resources::{CONFIGMAPS, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, SECRETS};
use api::volume::{Attachable, claim_name};
use api::{Method, Request, Resource, Value, meta, tree};
use sim::{MINUTE, Nanos, SECOND};
use std::rc::Rc;

/// For how long a token is asked for that doesn't say, in seconds.
// Models pkg/apis/core/v1/defaults.go SetDefaults_ServiceAccountTokenProjection
const TOKEN_SECONDS: i64 = 60 * 60;
/// Under which name the content of a block device is among a volume's files.
const DEVICE: &str = "device";
/// How long until what a volume shows of the API is looked at again, and up to half as much more.
const REFRESH: Nanos = MINUTE;

impl PodWorker {
    /// Mounts the pod's volumes. Returns whether all are there; what is missing is told.
    // Models pkg/kubelet/volumemanager, pkg/volume/util/operationexecutor/operation_generator.go
    pub(crate) fn mount_volumes(&mut self, turn: &mut Turn) -> bool {
        let mut all = true;
        let mut grows = false;
        for volume in self.pod["spec"]["volumes"].clone().items() {
            let name = volume["name"].text();
            if self.sources.contains_key(&name) && !shows_api(volume) || !self.uses(&name).is_any() {
                continue;
            }
            match self.make_volume(turn, volume) {
                Ok(source) => drop(self.sources.insert(name, source)),
                Err(why) => {
                    all = false;
                    if let Missing::Failed(why) = why
                        && !turn.is_bare()
                    {
                        let reference = self.reference(None);
                        turn.event(&reference, "Warning", "FailedMount", &why);
                    }
                }
            }
            grows |= !self.attachable.is_empty();
        }
        let shows =
            self.pod["spec"]["volumes"].items().iter().any(|volume| shows_api(volume) && !is_token(volume));
        if shows || grows {
            self.draws += 1;
            let more = turn.cx.chance.span("refresh", &self.uid, self.draws, 0, REFRESH / 2);
            self.refresh_at = turn.cx.now + REFRESH + more;
        }
        all
    }

    /// Returns how the pod's containers use a volume. What none uses isn't mounted.
    // Models pkg/volume/util/util.go GetPodVolumeNames
    fn uses(&self, name: &str) -> Uses {
        let spec = &self.pod["spec"];
        let lists = ["containers", "initContainers", "ephemeralContainers"].into_iter();
        let containers = lists.flat_map(|list| spec[list].items());
        let names = |container: &Value, list: &str| {
            container[list].items().iter().any(|one| one["name"].str() == name)
        };
        containers.fold(Uses::default(), |uses, container| Uses {
            mounts: uses.mounts || names(container, "volumeMounts"),
            devices: uses.devices || names(container, "volumeDevices"),
        })
    }

    fn make_volume(&mut self, turn: &mut Turn, volume: &Value) -> Result<MountSource, Missing> {
        let name = volume["name"].text();
        let namespace = meta::namespace(&self.pod).to_string();
        let set_up =
            |why: String| Missing::Failed(format!("MountVolume.SetUp failed for volume \"{name}\" : {why}"));
        if let Some(path) = volume["hostPath"]["path"].as_str() {
            let checked = check_host_path(&mut turn.shared.files, path, volume["hostPath"]["type"].str());
            return checked.map(|()| MountSource::Node(path.into())).map_err(set_up);
        }
        if !volume["csi"].is_null() {
            self.check_inline(turn, &name, volume["csi"]["driver"].str())?;
            self.volumes.entry(name.clone()).or_default();
            return Ok(MountSource::Pod(name));
        }
        if let Some(claim) = claim_name(&self.pod, volume) {
            return self.claimed(turn, &name, &claim);
        }
        if !volume["nfs"].is_null() {
            self.check_nfs(turn, &name, &volume["nfs"], &[]).map_err(set_up)?;
            let (server, path) = (volume["nfs"]["server"].str(), volume["nfs"]["path"].str());
            return Ok(MountSource::Storage(format!("nfs:{server}:{path}").into()));
        }
        if !volume["gitRepo"].is_null() {
            return Err(set_up(NO_GIT_REPO.to_string()));
        }
        if shows_api(volume) {
            let files = self.api_files(turn, &namespace, volume).map_err(set_up)?;
            self.volumes.insert(name.clone(), files);
        } else {
            self.volumes.entry(name.clone()).or_default();
        }
        Ok(MountSource::Pod(name))
    }

    /// Returns where the files of a claim's volume are.
    fn claimed(&mut self, turn: &mut Turn, name: &str, claim: &str) -> Result<MountSource, Missing> {
        let namespace = meta::namespace(&self.pod).to_string();
        let unusable = |why: String| {
            Missing::Failed(format!(
                "Unable to attach or mount volumes: unmounted volumes=[{name}], unattached volumes=[], \
                 failed to process volumes=[{name}]: {why}"
            ))
        };
        let failed = |why: String| unusable(format!("error processing PVC {namespace}/{claim}: {why}"));
        let object = turn.cx.in_background(|cx| cx.get(PERSISTENTVOLUMECLAIMS, &namespace, claim));
        let object = object.map_err(|why| failed(format!("failed to fetch PVC from API server: {why}")))?;
        if meta::is_deleting(&object) {
            return Err(failed("PVC is being deleted".to_string()));
        }
        let volume = object["spec"]["volumeName"].text();
        if volume.is_empty() || object["status"]["phase"].str() != "Bound" {
            return Err(failed("PVC is not bound".to_string()));
        }
        let bound = object;
        let object = turn.cx.in_background(|cx| cx.get(PERSISTENTVOLUMES, "", &volume)).unwrap_or_default();
        let is_block = object["spec"]["volumeMode"].str() == "Block";
        let uses = self.uses(name);
        if uses.mounts && is_block {
            return Err(unusable(format!(
                "volume {name} has volumeMode Block, but is specified in volumeMounts"
            )));
        }
        if uses.devices && !is_block {
            let why = format!("volume {name} has volumeMode Filesystem, but is specified in volumeDevices");
            return Err(unusable(why));
        }
        let source = self.source_of(turn, &object, &bound)?;
        if is_block {
            let size = &object["spec"]["capacity"]["storage"];
            self.devices.insert(name.into(), u64::try_from(api::volume::bytes(size)).unwrap_or(0));
            self.tell_mapped(turn, &object);
        }
        Ok(source)
    }

    /// Returns where the data of a bound claim's volume is.
    fn source_of(&mut self, turn: &mut Turn, object: &Value, bound: &Value) -> Result<MountSource, Missing> {
        if let Some(attachable) = Attachable::of(object)
            && !turn.is_bare()
        {
            self.check_attached(turn, &attachable)?;
            self.grow(turn, bound);
            return Ok(MountSource::Storage(attachable.storage().into()));
        }
        let spec = &object["spec"];
        if !spec["nfs"].is_null() {
            let name = meta::name(object);
            self.check_nfs(turn, name, &spec["nfs"], spec["mountOptions"].items()).map_err(|why| {
                Missing::Failed(format!("MountVolume.SetUp failed for volume {name:?} : {why}"))
            })?;
        }
        if let Some(path) = spec["local"]["path"].as_str() {
            let is_block = spec["volumeMode"].str() == "Block";
            if !turn.is_bare() && !is_block && !is_there(&turn.shared.files, path) {
                return Err(Missing::Failed(format!(
                    "MountVolume.NewMounter initialization failed for volume {:?} : path {path:?} does not exist",
                    meta::name(object)
                )));
            }
            return Ok(MountSource::Node(path.into()));
        }
        Ok(match spec["hostPath"]["path"].as_str() {
            Some(path) => {
                let kind = spec["hostPath"]["type"].str();
                check_host_path(&mut turn.shared.files, path, kind).map_err(|why| {
                    let name = meta::name(object);
                    Missing::Failed(format!("MountVolume.SetUp failed for volume {name:?} : {why}"))
                })?;
                MountSource::Node(path.into())
            }
            None => MountSource::Storage(meta::name(object).into()),
        })
    }

    /// Tells that a block device is there.
    // Models pkg/volume/util/operationexecutor/operation_generator.go GenerateMapVolumeFunc
    fn tell_mapped(&self, turn: &mut Turn, object: &Value) {
        if turn.is_bare() {
            return;
        }
        let (name, reference) = (meta::name(object), self.reference(None));
        let plugin = if object["spec"]["csi"].is_null() { "local-volume" } else { "csi" };
        let global = match plugin {
            "csi" => format!("/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/{name}/dev"),
            plugin => format!("/var/lib/kubelet/plugins/kubernetes.io~{plugin}/volumeDevices/{name}"),
        };
        let own = format!("/var/lib/kubelet/pods/{}/volumeDevices/kubernetes.io~{plugin}", self.uid);
        for (what, path) in [("globalMapPath", global), ("volumeMapPath", own)] {
            let message = format!("MapVolume.MapPodDevice succeeded for volume {name:?} {what} {path:?}");
            turn.event(&reference, "Normal", "SuccessfulMountVolume", &message);
        }
    }

    /// Makes the files of a volume that shows what the API has.
    fn api_files(&mut self, turn: &mut Turn, namespace: &str, volume: &Value) -> Result<Files, String> {
        let mut files = Files::default();
        let sources = match volume["projected"].is_null() {
            true => vec![volume.clone()],
            false => volume["projected"]["sources"].items().to_vec(),
        };
        let whole = is_token(volume);
        for source in &sources {
            if !source["configMap"].is_null() {
                if whole {
                    files.write("/ca.crt", turn.shared.ca());
                } else {
                    self.keys(turn, (CONFIGMAPS, namespace), &source["configMap"], &mut files)?;
                }
            }
            if !source["secret"].is_null() {
                self.keys(turn, (SECRETS, namespace), &source["secret"], &mut files)?;
            }
            for item in source["downwardAPI"]["items"].items() {
                let text = match item["fieldRef"]["fieldPath"].as_str() {
                    Some(path) => self.field(turn, path).unwrap_or_default(),
                    None => self.resource_field(turn, &item["resourceFieldRef"], None),
                };
                files.write(&format!("/{}", item["path"].str()), &text);
            }
            if !source["serviceAccountToken"].is_null() {
                let wanted = &source["serviceAccountToken"];
                let path = wanted["path"].as_str().unwrap_or("token");
                let token = self.token(turn, namespace, volume["name"].str(), wanted)?;
                files.write(&format!("/{path}"), &token);
            }
        }
        Ok(files)
    }

    /// Returns a token of the pod's service account: the one that is there until most of its time is over.
    // Models pkg/kubelet/token/token_manager.go GetServiceAccountToken
    fn token(
        &mut self,
        turn: &mut Turn,
        namespace: &str,
        volume: &str,
        wanted: &Value,
    ) -> Result<Rc<str>, String> {
        let key = (Rc::from(volume), wanted["path"].text());
        if let Some((token, until)) = self.tokens.get(&key)
            && turn.cx.now < *until
        {
            return Ok(token.clone());
        }
        let seconds = wanted["expirationSeconds"].as_int().unwrap_or(TOKEN_SECONDS);
        let mut request = tree!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [],
                "expirationSeconds": seconds,
                "boundObjectRef": {
                    "apiVersion": "v1", "kind": "Pod", "name": (meta::name(&self.pod)), "uid": (meta::uid(&self.pod)),
                },
            },
        });
        if let Some(audience) = wanted["audience"].as_str().filter(|audience| !audience.is_empty()) {
            request.set(&["spec", "audiences"], tree!([audience]));
        }
        let account = self.pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let answer = turn.cx.in_background(|cx| cx.send(Request::new(Method::Post, path).body(request)));
        let answer = answer.map_err(|why| format!("failed to fetch token: {why}"))?;
        let token = answer.body["status"]["token"].text();
        let until = turn.cx.now + seconds.saturating_mul(SECOND) / 5 * 4;
        self.tokens.insert(key, (token.clone(), until));
        Ok(token)
    }

    fn keys(
        &mut self,
        turn: &mut Turn,
        (resource, namespace): (Resource, &str),
        source: &Value,
        files: &mut Files,
    ) -> Result<(), String> {
        let is_secret = resource == SECRETS;
        let name =
            source[if is_secret && !source["secretName"].is_null() { "secretName" } else { "name" }].str();
        let optional = source["optional"].is_true();
        let data = match fetch(turn, resource, namespace, name) {
            Ok(object) => data(&object),
            Err(_) if optional => return Ok(()),
            Err(why) => return Err(why),
        };
        if source["items"].is_empty() {
            for (key, text) in &data {
                files.write(&format!("/{key}"), text);
            }
            return Ok(());
        }
        for item in source["items"].items() {
            let key = item["key"].str();
            match data.iter().find(|(known, _)| known == key) {
                Some((_, text)) => drop(files.write(&format!("/{}", item["path"].str()), text)),
                None if optional => {}
                None if is_secret => return Err(format!("references non-existent secret key: {key}")),
                None => return Err(format!("configmap references non-existent config key: {key}")),
            }
        }
        Ok(())
    }

    /// Brings up to date what volumes show of the API.
    pub(crate) fn refresh_volumes(&mut self, turn: &mut Turn) {
        let namespace = meta::namespace(&self.pod).to_string();
        for volume in self.pod["spec"]["volumes"].clone().items() {
            if shows_api(volume)
                && !is_token(volume)
                && let Ok(files) = self.api_files(turn, &namespace, volume)
            {
                self.volumes.insert(volume["name"].text(), files);
            }
        }
        if !self.attachable.is_empty() {
            self.grow_volumes(turn);
        }
        self.draws += 1;
        let more = turn.cx.chance.span("refresh", &self.uid, self.draws, 0, REFRESH / 2);
        self.refresh_at = turn.cx.now + REFRESH + more;
    }

    /// Returns a container's mounts. What a `subPath` shows of the API is a copy: it stays as it is.
    pub(crate) fn mounts(&mut self, i: usize) -> Vec<Mount> {
        let Some(container) = self.containers.get(i) else { return Vec::new() };
        let (list, env) = (container.spec["volumeMounts"].clone(), container.env.clone());
        let mut mounts = Vec::new();
        for mount in list.items() {
            let name = mount["name"].text();
            let Some(source) = self.sources.get(&name).cloned() else { continue };
            let volumes = self.pod["spec"]["volumes"].items();
            let shows = volumes.iter().any(|volume| volume["name"].text() == name && shows_api(volume));
            let sub_path = match mount["subPathExpr"].as_str() {
                Some(text) => crate::env::expand(text, &env).into(),
                None => mount["subPath"].text(),
            };
            let source = if shows && !sub_path.is_empty() {
                let copy: Rc<str> = format!("{name} of {i}").into();
                let mut files = self.volumes.get(&name).cloned().unwrap_or_default();
                make_sub_path(&mut files, &sub_path);
                self.volumes.insert(copy.clone(), files);
                MountSource::Pod(copy)
            } else {
                source
            };
            let read_only = mount["readOnly"].is_true() || shows;
            mounts.push(Mount { path: mount["mountPath"].text(), source, sub_path, read_only, device: None });
        }
        let Some(container) = self.containers.get(i) else { return mounts };
        for device in container.spec["volumeDevices"].items() {
            let name = device["name"].text();
            let (Some(source), Some(size)) = (self.sources.get(&name), self.devices.get(&name)) else {
                continue;
            };
            let sub_path = if matches!(source, MountSource::Storage(_)) { DEVICE } else { "" };
            let path = device["devicePath"].text();
            let (source, sub_path) = (source.clone(), sub_path.into());
            mounts.push(Mount { path, source, sub_path, read_only: false, device: Some(*size) });
        }
        mounts
    }
}

/// Makes a folder of what a `subPath` names and isn't there.
// Models pkg/kubelet/kubelet_pods.go makeMounts
fn make_sub_path(files: &mut Files, sub_path: &str) {
    let path = crate::cri::clean_path("/", sub_path);
    if files.get(&path).is_none() && !files.is_directory(&path) {
        files.make_directory(&path);
    }
}

/// How containers use a volume.
#[derive(Clone, Copy, Default)]
struct Uses {
    mounts: bool,
    devices: bool,
}

impl Uses {
    fn is_any(self) -> bool {
        self.mounts || self.devices
    }
}

/// Returns whether a volume shows what the API has.
fn shows_api(volume: &Value) -> bool {
    ["configMap", "secret", "projected", "downwardAPI"].iter().any(|kind| !volume[*kind].is_null())
}

/// Returns whether a volume is the one that admission adds to every pod.
fn is_token(volume: &Value) -> bool {
    volume["name"].str().starts_with("kube-api-access-") && !volume["projected"].is_null()
}

/// Reads a ConfigMap or a Secret.
///
/// # Errors
/// The words that stand in events: `configmap "x" not found`.
pub(crate) fn fetch(
    turn: &mut Turn,
    resource: Resource,
    namespace: &str,
    name: &str,
) -> Result<Value, String> {
    turn.cx.in_background(|cx| cx.get(resource, namespace, name)).map_err(|failure| {
        if failure.is_not_found() {
            format!("{} {name:?} not found", resource.kind.to_lowercase())
        } else {
            failure.to_string()
        }
    })
}

/// Returns the entries of a ConfigMap or a Secret, decoded.
pub(crate) fn data(object: &Value) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    let is_secret = object["kind"].str() == "Secret";
    for (key, value) in object["data"].fields().iter() {
        let text = if is_secret { decode(value.str()) } else { value.str().to_string() };
        entries.push((key.to_string(), text));
    }
    for (key, value) in object["binaryData"].fields().iter() {
        entries.push((key.to_string(), decode(value.str())));
    }
    entries.sort();
    entries
}

/// Decodes base64; bytes that are no text become question marks.
pub(crate) fn decode(text: &str) -> String {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long after a failure a volume is tried again at first.
pub(crate) const FIRST_WAIT: Nanos = SECOND / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_base64() {
        for (text, decoded) in
            [("cXdlcnR5", "qwerty"), ("YQ==", "a"), ("YWI=", "ab"), ("", ""), ("7Iuc7J6R", "시작")]
        {
            assert_eq!(decode(text), decoded);
        }
    }
}
