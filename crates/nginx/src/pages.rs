//! The pages that nginx itself answers with.

use network::HttpResponse;

/// The reasons of the codes that are answered here.
const REASONS: [(u16, &str); 11] = [
    (301, "Moved Permanently"),
    (302, "Found"),
    (303, "See Other"),
    (307, "Temporary Redirect"),
    (308, "Permanent Redirect"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (500, "Internal Server Error"),
    (502, "Bad Gateway"),
    (503, "Service Temporarily Unavailable"),
    (504, "Gateway Time-out"),
];

/// Returns nginx' page for a code.
// Models nginx src/http/ngx_http_special_response.c
pub fn page(code: u16) -> HttpResponse {
    let reason = REASONS.iter().find(|(known, _)| *known == code).map_or("", |(_, reason)| reason);
    let title = format!("{code} {reason}");
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = HttpResponse::new(code, body);
    response.headers.push(("Content-Type".into(), "text/html".into()));
    response
}

/// Returns the page of a redirection.
pub fn redirect(code: u16, to: &str) -> HttpResponse {
    let mut response = page(code);
    response.headers.push(("Location".into(), to.into()));
    response
}
