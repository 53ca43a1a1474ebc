use super::config::{data, encoded};
use super::{create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::text::{base64, quote};
use api::{Map, tree};

/// `kubectl create secret generic`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_secret.go
pub(crate) fn generic(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let data = data(cx, &format!("Data for Secret {}", quote(&name)), "Secret")?;
    let mut object = tree!({"metadata": {"name": (name)}});
    if !data.is_empty() {
        object.set(&["data"], encoded(&data));
    }
    if !cx.flags.text("type").is_empty() {
        object.set(&["type"], cx.flags.text("type"));
    }
    create(cx, "", "v1", "Secret", object, "failed to create secret").map_err(without_colon)
}

/// Here alone upstream puts no colon before the reason.
fn without_colon(failure: crate::failure::Failure) -> crate::failure::Failure {
    match failure {
        crate::failure::Failure::Error(text) => crate::failure::Failure::Error(text.replacen(
            "failed to create secret: ",
            "failed to create secret ",
            1,
        )),
        other => other,
    }
}

/// `kubectl create secret docker-registry`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_secret_docker.go
pub(crate) fn docker_registry(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let mut files = Map::new();
    if flags.list("from-file").is_empty() {
        let (user, password, server) =
            (flags.text("docker-username"), flags.text("docker-password"), flags.text("docker-server"));
        if user.is_empty() || password.is_empty() || server.is_empty() {
            return error(
                "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
            );
        }
        let mut entry = format!("\"username\":{},\"password\":{}", quote(user), quote(password));
        if !flags.text("docker-email").is_empty() {
            entry.push_str(&format!(",\"email\":{}", quote(flags.text("docker-email"))));
        }
        let auth = base64(format!("{user}:{password}").as_bytes());
        let json = format!("{{\"auths\":{{{}:{{{entry},\"auth\":{}}}}}}}", quote(server), quote(&auth));
        files.insert(".dockerconfigjson", json);
    } else {
        files = data(cx, &format!("Data for Secret {}", quote(&name)), "Secret")?;
        if !files.contains(".dockerconfigjson") {
            return error("invalid value for --from-file: .dockerconfigjson is required");
        }
    }
    let object = tree!({
        "data": (encoded(&files)),
        "metadata": {"name": (name)},
        "type": "kubernetes.io/dockerconfigjson",
    });
    create(cx, "", "v1", "Secret", object, "failed to create secret").map_err(without_colon)
}

/// `kubectl create secret tls`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_secret_tls.go
pub(crate) fn tls(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let (cert, key) = (flags.text("cert"), flags.text("key"));
    if cert.is_empty() || key.is_empty() {
        return error("key and cert must be specified");
    }
    let mut files = Map::new();
    for (path, field, what) in [(cert, "tls.crt", "certificate"), (key, "tls.key", "key")] {
        let text = match cx.host.read_file(path) {
            Ok(text) => text,
            Err(why) => return error(format!("Cannot read file {path}, open {path}: {why}")),
        };
        if !text.contains("-----BEGIN ") {
            return error(format!("tls: failed to find any PEM data in {what} input"));
        }
        files.insert(field, text);
    }
    let object =
        tree!({"data": (encoded(&files)), "metadata": {"name": (name)}, "type": "kubernetes.io/tls"});
    create(cx, "", "v1", "Secret", object, "failed to create secret").map_err(without_colon)
}
