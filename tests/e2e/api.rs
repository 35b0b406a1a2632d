//! The JSON service of the test server: pages of orders, tickets that are made by POST, and an endpoint that fails a
//! few times before it works.

use serde_json::{Value, json};

use crate::canary;
use crate::server::Request;

/// Status line, headers, body.
pub(crate) type Answer = (&'static str, String, String);

const ORDERS: usize = 23;
const REGIONS: [&str; 4] = ["north", "east", "south", "west"];

/// What the service answers; nothing for a path that is not its own.
///
/// `earlier` is how many requests there were for this path before.
pub(crate) fn answer(request: &Request, earlier: usize) -> Option<Answer> {
    let path = request.path.split('?').next().unwrap_or_default();
    let mut segments = path.strip_prefix("/api/")?.split('/');
    let answer = match (segments.next()?, segments.next()) {
        ("orders", None) => orders(request),
        ("customers", Some(id)) => customer(id),
        ("tickets", None) => ticket(request),
        ("flaky", Some(failures)) => flaky(failures.parse().unwrap_or(0), earlier),
        ("account", None) => account(request),
        ("catalog", None) => ("200 OK", header("content-type", "text/html; charset=utf-8"), CATALOG.to_owned()),
        _ => problem("404 Not Found", "no such resource"),
    };
    Some(answer)
}

/// `GET /api/orders?page=2&per_page=5`: a page, and where the next one is, in the body and as a `link` header.
fn orders(request: &Request) -> Answer {
    let per_page = number(request, "per_page", 10).clamp(1, 50);
    let pages = ORDERS.div_ceil(per_page);
    let page = number(request, "page", 1);
    if page == 0 || page > pages {
        return problem("400 Bad Request", &format!("page {page} of {pages}"));
    }
    let first = (page - 1) * per_page;
    let items: Vec<Value> = (first..ORDERS.min(first + per_page)).map(order).collect();
    let next = (page < pages).then(|| format!("/api/orders?page={}&per_page={per_page}", page + 1));
    let link = next.as_deref().map(|next| header("link", &format!("<{next}>; rel=\"next\""))).unwrap_or_default();
    let body = json!({"page": page, "pages": pages, "total": ORDERS, "items": items, "next": next});
    ("200 OK", link + &header("content-type", "application/json"), body.to_string())
}

fn order(at: usize) -> Value {
    let cents = 1250 + at * 775 % 9000;
    json!({
        "id": format!("ORD-{:04}", at + 1),
        "customer": at % 5 + 1,
        "region": REGIONS[at * 7 % REGIONS.len()],
        "status": if at % 6 == 5 { "cancelled" } else { "shipped" },
        "placed": format!("2026-{:02}-{:02}", at % 3 + 8, at + 1),
        "amount": format!("{}.{:02}", cents / 100, cents % 100),
    })
}

/// `GET /api/customers/3`.
fn customer(id: &str) -> Answer {
    const NAMES: [&str; 5] = ["Ada Ostrom", "Björn Lindqvist", "Chidi Okafor", "Daria Novak", "Eun-ji Park"];
    match id.parse::<usize>().ok().and_then(|id| NAMES.get(id.checked_sub(1)?)) {
        Some(name) => ok(&json!({"id": id.parse::<usize>().unwrap_or_default(), "name": name})),
        None => problem("404 Not Found", "no such customer"),
    }
}

/// `POST /api/tickets` with a title, as JSON.
fn ticket(request: &Request) -> Answer {
    if request.method != "POST" {
        return problem("405 Method Not Allowed", "tickets are made by POST");
    }
    if !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return problem("415 Unsupported Media Type", "send application/json");
    }
    match serde_json::from_str::<Value>(&request.body) {
        Ok(ticket) if ticket["title"].is_string() => {
            let title = ticket["title"].as_str().unwrap_or_default();
            let made = json!({"id": format!("T-{}", title.len()), "title": title, "priority": ticket["priority"]});
            ("201 Created", header("content-type", "application/json"), made.to_string())
        }
        Ok(_) => problem("422 Unprocessable Content", "a ticket has a title"),
        Err(_) => problem("400 Bad Request", "this is not JSON"),
    }
}

/// For whoever shows the key that cases keep as a secret: in a header, a query parameter or a member of the body. What was
/// shown comes back, as it was and in Base64.
fn account(request: &Request) -> Answer {
    let key = canary::outside();
    let heard = [request.head.as_str(), &request.body].concat();
    let shown = [
        ("header", request.header("authorization") == Some(&format!("Bearer {key}"))),
        ("query", request.path.ends_with(&format!("?key={}", key.replace(' ', "%20")))),
        ("body", serde_json::from_str::<Value>(&request.body).is_ok_and(|body| body["token"] == key)),
    ];
    let place = shown.into_iter().find(|(_, shown)| *shown).map(|(place, _)| place);
    let lines: Vec<&str> = heard.lines().filter(|line| line.contains(&key) || line.contains("key=")).collect();
    let basic = data_encoding::BASE64.encode(format!("user:{key}").as_bytes());
    let told = json!({"place": place, "balance": place.map(|_| "120.50"), "heard": lines, "basic": basic});
    let headers = header("content-type", "application/json") + &header("x-heard", &key);
    (if place.is_some() { "200 OK" } else { "401 Unauthorized" }, headers, told.to_string())
}

/// Fails `failures` times, then works.
fn flaky(failures: usize, earlier: usize) -> Answer {
    if earlier < failures {
        let (status, headers, body) = problem("503 Service Unavailable", "try again");
        return (status, headers + &header("retry-after", "0"), body);
    }
    ok(&json!({"attempt": earlier + 1, "status": "ready"}))
}

fn ok(body: &Value) -> Answer {
    ("200 OK", header("content-type", "application/json"), body.to_string())
}

fn problem(status: &'static str, detail: &str) -> Answer {
    (status, header("content-type", "application/json"), json!({"error": detail}).to_string())
}

fn header(name: &str, value: &str) -> String {
    format!("{name}: {value}\r\n")
}

fn number(request: &Request, name: &str, default: usize) -> usize {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.and_then(|value| value.parse().ok()).unwrap_or(default)
}

const CATALOG: &str = r#"<!DOCTYPE html>
<html lang="en"><head><title>Catalog &mdash; Autumn</title><style>td { color: #333 }</style></head>
<body>
<h1>Autumn catalog</h1>
<p>Prices include VAT. <a href="/terms.html">Terms</a></p>
<table id="goods">
  <thead><tr><th>Article</th><th>Name</th><th>Price</th><th>Stock</th></tr></thead>
  <tbody>
    <tr class="item"><td>A-17</td><td><a href="/item/A-17">Desk lamp &amp; bulb</a></td><td>&euro; 49.90</td><td>12</td></tr>
    <tr class="item sale"><td>B-03</td><td><a href='/item/B-03'>Notebook <b>A5</b></a></td><td>&euro; 3.20</td><td>240</td></tr>
    <tr class="item"><td>C-88</td><td><a href="/item/C-88">Chair &#8220;Ebba&#8221;</a></td><td>&euro; 189.00</td><td>0</td></tr>
    <!-- <tr class="item"><td>D-00</td><td>Not for sale</td><td>&euro; 0.00</td><td>1</td></tr> -->
  </tbody>
</table>
<script>var price = "<td>1</td>";</script>
</body></html>
"#;
