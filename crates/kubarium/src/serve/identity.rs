//! Who asks: by certificate, by token, or by coming from this machine.

use super::http::Door;
use api::Status;
use hyper::header::{self, HeaderMap};

/// A user's name and groups.
pub(super) type Identity = (String, Vec<String>);

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Somebody on this machine without TLS: what comes without a token is the administrator's, as with
    /// `kubectl proxy`.
    Neighbour,
    /// Somebody with TLS and no certificate.
    Anonymous,
    /// Who has a certificate of this cluster's.
    User(Identity),
    /// Who has a certificate that is none here.
    Stranger,
}

/// By what a request shows who it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// It is known.
    User(Identity),
    /// A token that isn't the administrator's: the cluster knows whose it is.
    Token(String),
}

/// Who asks, and as whom they want to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) credential: Credential,
    /// A user and groups (`kubectl --as`).
    pub(super) acting_as: Option<Identity>,
}

/// Returns the administrator, as kubeadm's admin.conf names it.
pub(super) fn administrator() -> Identity {
    ("kubernetes-admin".into(), vec!["system:masters".into(), "system:authenticated".into()])
}

/// Returns a header's text; empty where there is none.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Says that nobody knows who asks.
pub(super) fn unauthorized() -> Status {
    Status::new(401, "Unauthorized", "Unauthorized")
}

/// Returns who asks.
///
/// # Errors
/// Unauthorized where the proof is none; Forbidden for another host's page in a browser on this machine.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/filters/authentication.go WithAuthentication
pub(super) fn claim(headers: &HeaderMap, peer: &Peer, door: &Door) -> Result<Claim, Status> {
    if *peer == Peer::Neighbour {
        refuse_other_hosts(headers)?;
    }
    let credential = match (peer, headers.get(header::AUTHORIZATION)) {
        (Peer::User(identity), _) => Credential::User(identity.clone()),
        (_, Some(given)) => {
            let given = given.to_str().ok().and_then(|given| given.strip_prefix("Bearer ")).map(str::trim);
            match given {
                Some(token) if token == door.token => Credential::User(administrator()),
                Some(token) if !token.is_empty() => Credential::Token(token.to_string()),
                _ => return Err(unauthorized()),
            }
        }
        (Peer::Neighbour, None) => Credential::User(administrator()),
        (Peer::Anonymous, None) => {
            Credential::User(("system:anonymous".into(), vec!["system:unauthenticated".into()]))
        }
        (Peer::Stranger, None) => return Err(unauthorized()),
    };
    let user = text(headers, "impersonate-user");
    let groups = headers.get_all("impersonate-group").iter().filter_map(|value| value.to_str().ok());
    let groups: Vec<String> = groups.map(str::to_string).collect();
    if user.is_empty() && !groups.is_empty() {
        let message = format!("requested {groups:?} without impersonating a user");
        return Err(Status::new(500, "InternalError", message));
    }
    Ok(Claim { credential, acting_as: (!user.is_empty()).then(|| (user.to_string(), groups)) })
}

/// Refuses a page of somewhere else, which a browser on this machine shows: it is not the administrator.
fn refuse_other_hosts(headers: &HeaderMap) -> Result<(), Status> {
    let host = text(headers, "host");
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let origin = text(headers, "origin").split("://").nth(1);
    let origin = origin.map(|rest| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
    if !host.is_empty() && !is_own(host) || origin.is_some_and(|host| !is_own(host)) {
        return Err(Status::new(403, "Forbidden", "requests of other hosts' pages are refused"));
    }
    Ok(())
}

fn is_own(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn door() -> Door {
        Door { orders: std::sync::mpsc::channel().0, token: "t".to_string() }
    }

    #[test]
    fn tells_who_asks() {
        let kim = Peer::User(("kim".to_string(), vec!["team".to_string()]));
        let near = Peer::Neighbour;
        for (peer, name, value, found) in [
            (&near, "host", "127.0.0.1:8001", "kubernetes-admin"),
            (&near, "host", "localhost", "kubernetes-admin"),
            (&near, "host", "evil.example:8001", "403"),
            (&near, "origin", "http://evil.example", "403"),
            (&near, "origin", "http://localhost:8080", "kubernetes-admin"),
            (&near, "authorization", "Bearer t", "kubernetes-admin"),
            (&near, "authorization", "Bearer other", "token other"),
            (&near, "authorization", "Basic dDp0", "401"),
            (&near, "impersonate-group", "x", "500"),
            (&Peer::Anonymous, "host", "elsewhere.example", "system:anonymous"),
            (&Peer::Anonymous, "authorization", "Bearer t", "kubernetes-admin"),
            (&Peer::Anonymous, "authorization", "Bearer ", "401"),
            (&Peer::Stranger, "host", "localhost", "401"),
            (&Peer::Stranger, "authorization", "Bearer t", "kubernetes-admin"),
            (&kim, "host", "localhost", "kim"),
            (&kim, "authorization", "Bearer t", "kim"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let told = match claim(&headers, peer, &door()) {
                Ok(Claim { credential: Credential::User((name, _)), .. }) => name,
                Ok(Claim { credential: Credential::Token(token), .. }) => format!("token {token}"),
                Err(status) => status.code.to_string(),
            };
            assert_eq!(told, found, "{peer:?} {name}: {value}");
        }
    }
}
