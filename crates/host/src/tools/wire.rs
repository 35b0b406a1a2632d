//! JSON-RPC 2.0 in lines: requests out, and among what comes in, their answers.

use futures::FutureExt;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Messages that wait for a server which does not read.
const OUTBOX: usize = 16;
/// Messages that are not the answer, while one is waited for.
const MAX_OTHERS: u32 = 10_000;
/// Of those, requests.
const MAX_REQUESTS: u32 = 100;
/// Lines that are no messages: some servers print a banner.
const MAX_NOISE: u32 = 100;
/// JSON-RPC: the method does not exist.
const METHOD_NOT_FOUND: i32 = -32601;

/// Both ends of a server's pipes.
#[derive(Debug)]
pub(super) struct Wire<R> {
    reader: BufReader<R>,
    /// The line that is being read. It stays when a reader is dropped.
    line: Vec<u8>,
    outbox: mpsc::Sender<Vec<u8>>,
    writer: JoinHandle<()>,
    last_id: u64,
    noise: u32,
    list_changed: bool,
}

/// After any of these nothing more can be said to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("the server has gone")]
    Closed,
    #[error("the server broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the server sent more than was asked for")]
    TooLong,
}

/// The server's own error: the request was understood, or not, and nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) message: String,
}

enum Message {
    Result(Value),
    Error(RpcError),
    /// Not the answer, but dealt with.
    Other,
    Request,
    Noise,
}

impl<R: AsyncRead + Unpin> Wire<R> {
    pub(super) fn new(reader: R, mut writer: impl AsyncWrite + Unpin + Send + 'static) -> Wire<R> {
        let (outbox, mut waiting) = mpsc::channel::<Vec<u8>>(OUTBOX);
        let writer = tokio::spawn(async move {
            while let Some(line) = waiting.recv().await {
                if writer.write_all(&line).await.and(writer.flush().await).is_err() {
                    break;
                }
            }
        });
        Wire {
            reader: BufReader::new(reader),
            line: Vec::new(),
            outbox,
            writer,
            last_id: 0,
            noise: 0,
            list_changed: false,
        }
    }

    /// Asks, and waits for the answer, which has at most `max` bytes. Dropping the future leaves the wire usable: a late
    /// answer is passed over.
    pub(super) async fn request(
        &mut self,
        method: &str,
        params: Value,
        max: usize,
    ) -> Result<Result<Value, RpcError>, WireError> {
        self.last_id = self.last_id.saturating_add(1);
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let (mut others, mut requests) = (0, 0);
        loop {
            self.read_line(max).await?;
            match self.take_message(id)? {
                Message::Result(value) => return Ok(Ok(value)),
                Message::Error(error) => return Ok(Err(error)),
                Message::Request => requests += 1,
                Message::Noise => self.noise += 1,
                Message::Other => {}
            }
            others += 1;
            if others > MAX_OTHERS || requests > MAX_REQUESTS || self.noise > MAX_NOISE {
                return Err(WireError::Protocol("it sends messages without end"));
            }
        }
    }

    pub(super) fn notify(&mut self, method: &str, params: Value) -> Result<(), WireError> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Tells the server that nobody waits for the last request any more.
    pub(super) fn cancel(&mut self) -> Result<(), WireError> {
        let params = json!({ "requestId": self.last_id, "reason": "nobody waits for it any more" });
        self.notify("notifications/cancelled", params)
    }

    /// Looks at what has come in meanwhile, without waiting: whether the list of tools changed since it was last asked.
    pub(super) fn take_list_changed(&mut self, max: usize) -> Result<bool, WireError> {
        for _ in 0..MAX_OTHERS {
            match self.read_line(max).now_or_never() {
                None => break,
                Some(line) => line?,
            }
            match self.take_message(u64::MAX)? {
                Message::Noise => self.noise += 1,
                _ => continue,
            }
            if self.noise > MAX_NOISE {
                return Err(WireError::Protocol("it sends messages without end"));
            }
        }
        Ok(std::mem::take(&mut self.list_changed))
    }

    fn send(&mut self, message: &Value) -> Result<(), WireError> {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        self.outbox.try_send(line).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => WireError::Closed,
            mpsc::error::TrySendError::Full(_) => WireError::Protocol("it does not read what it is sent"),
        })
    }

    /// Reads on until `self.line` holds a whole line.
    async fn read_line(&mut self, max: usize) -> Result<(), WireError> {
        loop {
            // INVARIANT: between `fill_buf` and `consume` nothing waits, so that a dropped future loses no byte.
            let found = self.reader.fill_buf().await.map_err(|_| WireError::Closed)?;
            if found.is_empty() {
                return Err(WireError::Closed);
            }
            let end = found.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(found.len());
            if self.line.len().saturating_add(taken) > max {
                return Err(WireError::TooLong);
            }
            self.line.extend_from_slice(found.get(..taken).unwrap_or_default());
            self.reader.consume(taken.saturating_add(usize::from(end.is_some())));
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn take_message(&mut self, waiting_for: u64) -> Result<Message, WireError> {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii();
        if !text.starts_with(b"{") && !text.starts_with(b"[") {
            return Ok(if text.is_empty() { Message::Other } else { Message::Noise });
        }
        // The parser stops at 127 levels.
        let message: Map<String, Value> =
            serde_json::from_slice(text).map_err(|_| WireError::Protocol("a message is not a JSON object"))?;
        let (method, id) = (message.get("method"), message.get("id"));
        match (method, id) {
            (Some(Value::String(method)), None | Some(Value::Null)) => {
                self.list_changed |= method == "notifications/tools/list_changed";
                Ok(Message::Other)
            }
            (Some(Value::String(method)), Some(id @ (Value::String(_) | Value::Number(_)))) => {
                self.answer(method, id)?;
                Ok(Message::Request)
            }
            (None, Some(id)) => match id.as_u64() {
                Some(id) if id == waiting_for => answer_of(message),
                // Of a request that nobody waits for any more.
                Some(id) if (1..waiting_for).contains(&id) && id <= self.last_id => Ok(Message::Other),
                _ => Err(WireError::Protocol("it answers what was not asked")),
            },
            _ => Err(WireError::Protocol("a message is neither request nor answer")),
        }
    }

    /// A server may ask whether somebody is there, and nothing else.
    fn answer(&mut self, method: &str, id: &Value) -> Result<(), WireError> {
        let answer = match method {
            "ping" => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
            _ => {
                let error = json!({ "code": METHOD_NOT_FOUND, "message": "this client offers no such method" });
                json!({ "jsonrpc": "2.0", "id": id, "error": error })
            }
        };
        self.send(&answer)
    }
}

impl<R> Drop for Wire<R> {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

fn answer_of(mut message: Map<String, Value>) -> Result<Message, WireError> {
    match (message.remove("result"), message.remove("error")) {
        (Some(result), None) => Ok(Message::Result(result)),
        (None, Some(Value::Object(error))) => {
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Message::Error(RpcError { message }))
        }
        _ => Err(WireError::Protocol("an answer has not exactly one of `result` and `error`")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream};

    use super::*;

    const MAX: usize = 4096;

    fn wire() -> (Wire<DuplexStream>, DuplexStream, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (from, to) = tokio::io::duplex(1 << 16);
        (Wire::new(from, ours), to, theirs)
    }

    async fn ask(said: &str) -> Result<Result<Value, RpcError>, WireError> {
        let (mut wire, mut to, _theirs) = wire();
        // More may be said than the pipe holds, and the reader may give up before it has all.
        let (answer, _) = tokio::join!(async move { wire.request("x", json!({}), MAX).await }, async move {
            to.write_all(said.as_bytes()).await
        },);
        answer
    }

    #[tokio::test]
    async fn the_answer_is_found_among_other_messages() {
        let said = "a banner\n\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\
                    {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[7]}\n";
        assert_eq!(ask(said).await, Ok(Ok(json!([7]))));
        let said = "{\"id\":1,\"error\":{\"code\":1,\"message\":\"no\"}}\n";
        assert_eq!(ask(said).await, Ok(Err(RpcError { message: "no".into() })));
    }

    #[tokio::test]
    async fn what_is_no_protocol_ends_it() {
        for said in [
            "{\n",
            "[]\n",
            "{}\n",
            "{\"id\":2,\"result\":1}\n",
            "{\"id\":0,\"result\":1}\n",
            "{\"id\":\"1\",\"result\":1}\n",
            "{\"id\":1}\n",
            "{\"id\":1,\"result\":1,\"error\":{}}\n",
            "{\"id\":1,\"error\":7}\n",
            "{\"id\":[],\"method\":\"ping\"}\n",
            &format!("{{\"id\":1,\"result\":{}1{}}}\n", "[".repeat(130), "]".repeat(130)),
            &"noise\n".repeat(101),
            &"{\"method\":\"x\"}\n".repeat(10_001),
            &"{\"id\":1,\"method\":\"sampling/createMessage\"}\n".repeat(101),
        ] {
            let answer = ask(said).await;
            assert!(matches!(answer, Err(WireError::Protocol(_))), "{:?}: {answer:?}", said.get(..60).unwrap_or(said));
        }
        assert_eq!(ask(&format!("{{\"id\":1,\"result\":\"{}\"}}\n", "x".repeat(MAX))).await, Err(WireError::TooLong));
        assert_eq!(ask(&"x".repeat(MAX + 1)).await, Err(WireError::TooLong));
        assert_eq!(ask("{\"id\":1,").await, Err(WireError::Closed));
    }

    #[tokio::test]
    async fn a_server_is_told_that_there_is_no_such_method() {
        let (mut wire, mut to, mut theirs) = wire();
        to.write_all(b"{\"id\":9,\"method\":\"roots/list\"}\n{\"id\":1,\"result\":1}\n").await.unwrap();
        wire.request("x", json!({}), MAX).await.unwrap().unwrap();
        let mut said = Vec::new();
        while said.iter().filter(|byte| **byte == b'\n').count() < 2 {
            theirs.read_buf(&mut said).await.unwrap();
        }
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("\"method\":\"x\"") && said.contains("-32601"), "{said}");
    }

    #[tokio::test]
    async fn a_late_answer_is_passed_over() {
        let (mut wire, mut to, _theirs) = wire();
        assert!(wire.request("slow", json!({}), MAX).now_or_never().is_none());
        to.write_all(b"{\"id\":1,\"result\":\"late\"}\n{\"id\":2,\"result\":\"mine\"}\n").await.unwrap();
        assert_eq!(wire.request("x", json!({}), MAX).await, Ok(Ok(json!("mine"))));
    }

    #[tokio::test]
    async fn a_changed_list_is_noticed_between_calls() {
        let (mut wire, mut to, _theirs) = wire();
        assert_eq!(wire.take_list_changed(MAX), Ok(false));
        to.write_all(b"{\"method\":\"notifications/tools/list_changed\"}\n{\"meth").await.unwrap();
        assert_eq!(wire.take_list_changed(MAX), Ok(true));
        assert_eq!(wire.take_list_changed(MAX), Ok(false));
        to.write_all(b"od\":\"x\"}\n").await.unwrap();
        assert_eq!(wire.take_list_changed(MAX), Ok(false));
    }
}
