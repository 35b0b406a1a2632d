//! A server's pipes as a transport of the protocol, which bounds what comes in: bytes, messages, noise.

use std::sync::Arc;

use rmcp::service::{RoleClient, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::intake::{Fault, Said, Watch};

/// Messages that wait for a server which does not read: more than the requests that it may send in one go, each of which is
/// answered.
const OUTBOX: usize = 128;

/// Both ends of a server's pipes.
#[derive(Debug)]
pub(super) struct Pipes<R> {
    reader: BufReader<R>,
    /// The line that is being read. It stays when a reader is dropped.
    line: Vec<u8>,
    outbox: mpsc::Sender<Vec<u8>>,
    writer: JoinHandle<()>,
    watch: Arc<Watch>,
}

impl<R: AsyncRead + Unpin> Pipes<R> {
    pub(super) fn new(reader: R, mut writer: impl AsyncWrite + Unpin + Send + 'static) -> (Pipes<R>, Arc<Watch>) {
        let (outbox, mut waiting) = mpsc::channel::<Vec<u8>>(OUTBOX);
        let writer = tokio::spawn(async move {
            while let Some(line) = waiting.recv().await {
                if writer.write_all(&line).await.and(writer.flush().await).is_err() {
                    break;
                }
            }
        });
        let watch = Arc::<Watch>::default();
        let pipes =
            Pipes { reader: BufReader::new(reader), line: Vec::new(), outbox, writer, watch: Arc::clone(&watch) };
        (pipes, watch)
    }

    fn put(&mut self, message: &TxJsonRpcMessage<RoleClient>) -> Result<(), Fault> {
        self.watch.sending(message)?;
        let mut line = serde_json::to_vec(message).map_err(|_| Fault::Protocol("a message cannot be written"))?;
        line.push(b'\n');
        self.outbox.try_send(line).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => Fault::Closed,
            mpsc::error::TrySendError::Full(_) => Fault::Protocol("it does not read what it is sent"),
        })
    }

    /// The next message that is an answer or a request; others are dealt with here, and counted.
    async fn next(&mut self) -> Result<Said, Fault> {
        loop {
            self.read_line().await?;
            if let Some(message) = self.take_message()? {
                return Ok(message);
            }
        }
    }

    /// Reads on until `self.line` holds a whole line.
    async fn read_line(&mut self) -> Result<(), Fault> {
        loop {
            // INVARIANT: between `fill_buf` and `consume` nothing waits, so that a dropped future loses no byte.
            let found = self.reader.fill_buf().await.map_err(|_| Fault::Closed)?;
            if found.is_empty() {
                return Err(Fault::Closed);
            }
            let end = found.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(found.len());
            if self.line.len().saturating_add(taken) > self.watch.most() {
                return Err(Fault::TooLong);
            }
            self.line.extend_from_slice(found.get(..taken).unwrap_or_default());
            let taken = taken.saturating_add(usize::from(end.is_some()));
            self.reader.consume(taken);
            self.watch.received(taken)?;
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn take_message(&mut self) -> Result<Option<Said>, Fault> {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii();
        if text.starts_with(b"{") || text.starts_with(b"[") {
            return self.watch.read(text);
        }
        self.watch.noise().map(|()| None)
    }
}

impl<R: AsyncRead + Unpin + Send> Transport<RoleClient> for Pipes<R> {
    type Error = Fault;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Fault>> + Send + 'static {
        let sent = self.put(&message);
        if let Err(fault) = sent {
            self.watch.fail(fault);
        }
        std::future::ready(sent)
    }

    async fn receive(&mut self) -> Option<Said> {
        if self.watch.fault().is_some() {
            return None;
        }
        self.next().await.map_err(|fault| self.watch.fail(fault)).ok()
    }

    async fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl<R> Drop for Pipes<R> {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{ClientRequest, ClientResult, JsonRpcMessage, PingRequest, RequestId};
    use tokio::io::DuplexStream;

    use super::*;
    use crate::tools::intake::{MAX_REQUESTS, News};

    const MAX: usize = 4096;

    /// Asks, and reads what a server said: the first answer or request.
    async fn ask(said: &str) -> Result<String, Fault> {
        let (ours, _theirs) = tokio::io::duplex(1 << 16);
        let (from, mut to) = tokio::io::duplex(1 << 16);
        let (mut pipes, watch): (Pipes<DuplexStream>, _) = Pipes::new(from, ours);
        watch.at_most(MAX);
        for id in [0, 1] {
            let ping = ClientRequest::PingRequest(PingRequest::default());
            pipes.send(JsonRpcMessage::request(ping, RequestId::Number(id))).await.unwrap();
        }
        // More may be said than the pipe holds, and the reader may give up before it has all.
        let read = async move {
            loop {
                let message = pipes.next().await?;
                if !matches!(message, JsonRpcMessage::Request(_)) {
                    return Ok(serde_json::to_string(&message).unwrap());
                }
            }
        };
        let write = async move {
            let _ = to.write_all(said.as_bytes()).await;
        };
        tokio::join!(read, write).0
    }

    #[tokio::test]
    async fn the_answer_is_found_among_other_messages() {
        let said = "a banner\n\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\
                    {\"jsonrpc\":\"2.0\",\"method\":\"notifications/whatever\"}\n\
                    {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":7}}\n";
        assert_eq!(ask(said).await.unwrap(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":7}}");
        let late = "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":1,\"message\":\"no\"}}\n";
        assert!(ask(late).await.unwrap().contains("\"no\""));
    }

    #[tokio::test]
    async fn what_is_no_protocol_ends_it() {
        let message = |rest: &str| format!("{{\"jsonrpc\":\"2.0\",{rest}}}\n");
        for said in [
            "{\n".to_owned(),
            "[]\n".to_owned(),
            "{}\n".to_owned(),
            "{\"id\":1,\"result\":{}}\n".to_owned(),
            message("\"id\":2,\"result\":{}"),
            message("\"id\":-1,\"result\":{}"),
            message("\"id\":\"1\",\"result\":{}"),
            message("\"id\":1"),
            message("\"id\":1,\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}"),
            message("\"id\":1,\"result\":{},\"method\":\"ping\""),
            message("\"id\":1,\"error\":7"),
            message("\"id\":[],\"method\":\"ping\""),
            message("\"error\":{\"code\":1,\"message\":\"\"}"),
            message(&format!("\"id\":1,\"result\":{}1{}", "[".repeat(130), "]".repeat(130))),
            "noise\n".repeat(101),
            message("\"method\":\"notifications/x\"").repeat(10_001),
            message("\"id\":1,\"method\":\"sampling/createMessage\"").repeat(101),
        ] {
            let answer = ask(&said).await;
            assert!(matches!(answer, Err(Fault::Protocol(_))), "{:?}: {answer:?}", said.get(..60).unwrap_or(&said));
        }
        assert_eq!(ask(&message(&format!("\"id\":1,\"result\":\"{}\"", "x".repeat(MAX)))).await, Err(Fault::TooLong));
        assert_eq!(ask(&"x".repeat(MAX + 1)).await, Err(Fault::TooLong));
        assert_eq!(ask("{\"id\":1,").await, Err(Fault::Closed));
    }

    #[tokio::test]
    async fn all_answers_to_a_burst_of_requests_can_wait() {
        let (ours, _theirs) = tokio::io::duplex(1);
        let (from, _to) = tokio::io::duplex(1);
        let (mut pipes, _watch): (Pipes<DuplexStream>, _) = Pipes::new(from, ours);
        for id in 0..=i64::from(MAX_REQUESTS) {
            let pong = JsonRpcMessage::response(ClientResult::empty(()), RequestId::Number(id));
            assert_eq!(pipes.put(&pong), Ok(()), "answer {id}");
        }
    }

    #[tokio::test]
    async fn a_changed_list_is_noticed_and_a_fault_is_the_last_word() {
        let (ours, _theirs) = tokio::io::duplex(1 << 16);
        let (from, mut to) = tokio::io::duplex(1 << 16);
        let (mut pipes, watch): (Pipes<DuplexStream>, _) = Pipes::new(from, ours);
        watch.at_most(MAX);
        to.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n{\n").await.unwrap();
        assert!(pipes.receive().await.is_none());
        assert_eq!(watch.take_news(), News { changed: true, unheard: false });
        assert_eq!(watch.take_news(), News::default());
        assert_eq!(watch.fault(), Some(Fault::Protocol("it sent what is no message")));
        to.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").await.unwrap();
        assert!(pipes.receive().await.is_none());
    }
}
