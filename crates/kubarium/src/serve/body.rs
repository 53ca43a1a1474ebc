//! The body of an answer: a text, or a stream that goes on for as long as both sides want.

use super::simulation::{Order, Piece, Pieces};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use tokio::time::Sleep;

/// The body of an answer.
pub(super) enum Answer {
    /// All of it; `None` once it is sent.
    Whole(Option<Bytes>),
    /// What a stream brings.
    Stream(Stream),
}

/// What a stream brings, until its time is over.
pub(super) struct Stream {
    pub(super) number: u64,
    pub(super) pieces: Pieces,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) end: Option<Pin<Box<Sleep>>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Where nobody takes orders any more there is no stream either.
        let _ = self.orders.send(Order::Close(self.number));
    }
}

impl Answer {
    pub(super) fn whole(text: String) -> Answer {
        Answer::Whole(if text.is_empty() { None } else { Some(text.into()) })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Answer::Whole(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Answer::Stream(stream) => {
                if stream.end.as_mut().is_some_and(|end| end.as_mut().poll(cx).is_ready()) {
                    return Poll::Ready(None);
                }
                stream.pieces.poll(cx).map(|piece| match piece {
                    Some(Piece::Text(text) | Piece::Errors(text)) => Some(Ok(Frame::data(text.into()))),
                    Some(Piece::Head(..) | Piece::Exit(_)) | None => None,
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Answer::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Whole(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Answer::Stream(_) => SizeHint::default(),
        }
    }
}
