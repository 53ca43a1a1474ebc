//! Requests: which location they are for, and what nginx is to do with them.

use crate::config::{Backend, Config, Location};
use crate::controller::Endpoints;
use network::{Headers, HttpRequest, HttpResponse, Outcome};
use nginx::{Ask, Balance, Came, Edits, LogFormat, Plan, Served, cookie, header, page, redirect};
use sim::Time;
use std::rc::Rc;

/// The nginx that the controller configures.
#[derive(Clone, Debug)]
pub(crate) struct Proxy(nginx::Proxy<Backend>);

impl Default for Proxy {
    fn default() -> Proxy {
        Proxy(nginx::Proxy::new(LogFormat::UpstreamInfo, Balance::RoundRobin))
    }
}

impl Proxy {
    /// Takes the lines written since the last call.
    pub(crate) fn take_log(&mut self) -> Vec<String> {
        self.0.take_log()
    }

    /// Takes a request.
    pub(crate) fn serve(&mut self, came: &Came, config: &Config, endpoints: &impl Endpoints) -> Served {
        let number = self.0.count();
        let server = config.server(&came.request.host);
        let edits = shown(came.request.is_tls);
        let path = came.request.path.split('?').next().unwrap_or("/");
        let nobody = || Plan::Own(page(404), "upstream-default-backend".to_string());
        let plan = match server.and_then(|(_, server)| server.location(path)) {
            None => nobody(),
            Some(location) => match (own_answer(location, came, path), backend(location, came, number)) {
                (Some(answer), _) => Plan::Own(answer, "-".to_string()),
                (None, None) => nobody(),
                (None, Some(backend)) => Plan::Ask(Ask {
                    name: backend.name(),
                    ready: endpoints.of(&backend),
                    request: forwarded(location, came),
                    backend,
                }),
            },
        };
        self.0.serve(came, plan, edits)
    }

    /// Takes what came of asking an endpoint.
    pub(crate) fn reply(
        &mut self,
        now: Time,
        id: u64,
        outcome: &Outcome,
        endpoints: &impl Endpoints,
    ) -> Served {
        self.0.reply(now, id, outcome, |backend| endpoints.of(backend))
    }
}

/// Chooses who answers: the location's backend or a canary's.
fn backend(location: &Location, came: &Came, number: u64) -> Option<Backend> {
    let headers = &came.request.headers;
    let takes = |(n, (canary, _)): &(usize, &(crate::Canary, Backend))| {
        let said = header(headers, &canary.header).filter(|_| !canary.header.is_empty());
        let draw = came.chance.draw("canary", came.pod, (number << 4) + *n as u64);
        canary.takes(said, cookie(headers, &canary.cookie), draw)
    };
    let other = location.canaries.iter().enumerate().find(takes).map(|(_, (_, backend))| backend);
    other.or(location.backend.as_ref()).cloned()
}

/// Adds what nginx says through TLS.
fn shown(is_tls: bool) -> Edits {
    let hsts = ("Strict-Transport-Security".into(), "max-age=31536000; includeSubDomains".into());
    Edits { set: if is_tls { vec![hsts] } else { Vec::new() }, ..Edits::default() }
}

/// Returns what nginx answers at a location without asking anybody.
fn own_answer(location: &Location, came: &Came, path: &str) -> Option<HttpResponse> {
    let (options, request) = (&location.options, came.request);
    if !options.lets_in(came.client.address) {
        return Some(page(403));
    }
    let redirects = options.force_ssl_redirect || options.ssl_redirect && location.has_tls;
    if redirects && !request.is_tls {
        let host = request.host.split(':').next().unwrap_or("");
        return Some(redirect(308, &format!("https://{host}{}", request.path)));
    }
    if let Some((code, to)) = &options.redirect {
        return Some(redirect(*code, to));
    }
    if !options.app_root.is_empty() && path == "/" {
        let scheme = if request.is_tls { "https" } else { "http" };
        return Some(redirect(302, &format!("{scheme}://{}{}", request.host, options.app_root)));
    }
    None
}

/// Returns the request as the endpoint gets it.
// Models github.com/kubernetes/ingress-nginx rootfs/etc/nginx/template/nginx.tmpl proxy_set_header
fn forwarded(location: &Location, came: &Came) -> HttpRequest {
    let request = came.request;
    let (scheme, port) = if request.is_tls { ("https", "443") } else { ("http", "80") };
    let host = match &*location.options.upstream_vhost {
        "" => request.host.clone(),
        vhost => vhost.into(),
    };
    let id = [0, 1].map(|n| came.chance.draw("request-id", came.pod, (came.exchange << 1) + n));
    let id = format!("{:016x}{:016x}", id[0], id[1]);
    let client = came.client.address.to_string();
    let own = [
        ("X-Request-ID", id.as_str()),
        ("X-Real-IP", &client),
        ("X-Forwarded-For", &client),
        ("X-Forwarded-Host", &request.host),
        ("X-Forwarded-Port", port),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Scheme", scheme),
        ("X-Scheme", scheme),
    ];
    let is_own = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut headers: Headers = own.iter().map(|(name, value)| (Rc::from(*name), Rc::from(*value))).collect();
    headers.extend(request.headers.iter().filter(|(name, _)| !is_own(name)).cloned());
    HttpRequest {
        method: request.method.clone(),
        host,
        path: location.rewritten(&request.path).into(),
        headers,
        body: request.body.clone(),
        is_tls: false,
    }
}
