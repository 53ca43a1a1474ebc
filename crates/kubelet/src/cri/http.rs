use network::{HttpRequest, HttpResponse};
use sim::Time;

/// Returns a header; empty where it isn't there.
pub fn header<'a>(headers: &'a network::Headers, name: &str) -> &'a str {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// Returns a request's path without its query.
pub fn path_of(request: &HttpRequest) -> &str {
    request.path.split(['?', '#']).next().unwrap_or("")
}

/// Returns what a request's query gives a name, decoded; empty where it isn't there.
pub fn query(request: &HttpRequest, name: &str) -> String {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    api::path::url_decoded(value)
}

/// Returns a span in seconds as JavaScript and Go print a number: without zeros at its end.
pub fn decimal(span: sim::Nanos) -> String {
    let text = format!("{}.{:09}", span / sim::SECOND, span % sim::SECOND);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Makes an answer in plain text.
pub fn text(status: u16, body: impl Into<String>) -> HttpResponse {
    let body: String = body.into();
    let mut response = HttpResponse::new(status, body.as_str());
    response.headers.push(("Content-Type".into(), "text/plain; charset=utf-8".into()));
    response
}

/// Completes an answer's headers as a server does: Date, and Content-Length.
pub fn complete(mut response: HttpResponse, now: Time) -> HttpResponse {
    let at = usize::from(response.headers.first().is_some_and(|(name, _)| &**name == "Server"));
    response.headers.insert(at, ("Date".into(), http_date(now).into()));
    let length = response.body.len().to_string();
    response.headers.push(("Content-Length".into(), length.as_str().into()));
    response
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

fn month(month: i64) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("Jan")
}

fn weekday(at: Time) -> &'static str {
    let days = at.unix_seconds().div_euclid(86_400).rem_euclid(7);
    usize::try_from(days).ok().and_then(|i| DAYS.get(i)).copied().unwrap_or("Thu")
}

/// Adds a number below 100 with two digits. Every request is dated twice, so that this is quick.
fn two(text: &mut String, number: i64) {
    for digit in [number / 10, number % 10] {
        text.push(char::from(b'0' + (digit % 10) as u8));
    }
}

fn clock(text: &mut String, hour: i64, minute: i64, second: i64) {
    two(text, hour);
    text.push(':');
    two(text, minute);
    text.push(':');
    two(text, second);
}

/// Returns a moment as HTTP's Date header has it: `Mon, 05 Jan 2026 09:00:00 GMT`.
pub fn http_date(at: Time) -> String {
    let (year, number, day, hour, minute, second) = at.civil();
    let mut text = String::with_capacity(29);
    text.push_str(weekday(at));
    text.push_str(", ");
    two(&mut text, day);
    text.push(' ');
    text.push_str(month(number));
    text.push(' ');
    text.push_str(&year.to_string());
    text.push(' ');
    clock(&mut text, hour, minute, second);
    text.push_str(" GMT");
    text
}

/// Returns a moment as access logs have it: `05/Jan/2026:09:00:00 +0000`.
pub fn log_date(at: Time) -> String {
    let (year, number, day, hour, minute, second) = at.civil();
    let mut text = String::with_capacity(26);
    two(&mut text, day);
    text.push('/');
    text.push_str(month(number));
    text.push('/');
    text.push_str(&year.to_string());
    text.push(':');
    clock(&mut text, hour, minute, second);
    text.push_str(" +0000");
    text
}

/// Returns a moment as nginx's error log has it: `2026/01/05 09:00:00`.
pub fn log_time(at: Time) -> String {
    let (year, month, day, hour, minute, second) = at.civil();
    let mut text = year.to_string();
    text.push('/');
    two(&mut text, month);
    text.push('/');
    two(&mut text, day);
    text.push(' ');
    clock(&mut text, hour, minute, second);
    text
}

/// Returns a moment as `date` prints it: `Mon Jan  5 09:00:00 UTC 2026`.
pub fn unix_date(at: Time) -> String {
    let (year, number, day, hour, minute, second) = at.civil();
    format!("{} {} {day:>2} {hour:02}:{minute:02}:{second:02} UTC {year}", weekday(at), month(number))
}

/// Returns a moment as redis stamps its lines: `05 Jan 2026 09:00:00.000`.
pub fn stamp(at: Time) -> String {
    let (year, number, day, hour, minute, second) = at.civil();
    let millis = at.0.rem_euclid(sim::SECOND) / sim::MILLISECOND;
    let mut text = String::with_capacity(24);
    two(&mut text, day);
    text.push(' ');
    text.push_str(month(number));
    text.push(' ');
    text.push_str(&year.to_string());
    text.push(' ');
    clock(&mut text, hour, minute, second);
    text.push('.');
    text.push(char::from(b'0' + (millis / 100) as u8));
    two(&mut text, millis % 100);
    text
}

/// Returns a moment as the lines of Kubernetes' own components have it: `0105 09:00:06.123456`.
pub fn klog(at: Time) -> String {
    let iso = at.rfc3339_micro();
    let part = |from: usize, to: usize| iso.get(from..to).unwrap_or("");
    format!("{}{} {}", part(5, 7), part(8, 10), part(11, 26))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_completed() {
        let answer = complete(text(404, "no\n"), Time::EPOCH);
        assert_eq!(header(&answer.headers, "content-length"), "3");
        assert_eq!(header(&answer.headers, "Date"), "Mon, 05 Jan 2026 09:00:00 GMT");
        assert_eq!(path_of(&HttpRequest::get("web", "/a?b=1")), "/a");
    }

    #[test]
    fn queries_are_decoded_and_spans_are_written_shortly() {
        for (path, value) in
            [("/echo?msg=a%20b+c&code=1", "a b c"), ("/echo?code=1", ""), ("/echo?msg=%zz%4", "%zz%4")]
        {
            assert_eq!(query(&HttpRequest::get("web", path), "msg"), value, "{path}");
        }
        for (nanos, text) in
            [(0, "0"), (sim::SECOND, "1"), (1_711_617 * sim::MILLISECOND, "1711.617"), (1, "0.000000001")]
        {
            assert_eq!(decimal(nanos), text);
        }
    }

    #[test]
    fn dates_are_as_each_program_writes_them() {
        assert_eq!(log_date(Time::EPOCH), "05/Jan/2026:09:00:00 +0000");
        let late = Time::EPOCH + 11 * 86_400 * sim::SECOND + 50_399 * sim::SECOND;
        assert_eq!(log_date(late), "16/Jan/2026:22:59:59 +0000");
        assert_eq!(http_date(late), "Fri, 16 Jan 2026 22:59:59 GMT");
        assert_eq!(unix_date(Time::EPOCH), "Mon Jan  5 09:00:00 UTC 2026");
        assert_eq!(stamp(Time::EPOCH), "05 Jan 2026 09:00:00.000");
    }
}
