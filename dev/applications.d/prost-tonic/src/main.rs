//! A service that `protoc`, prost and tonic generate from a `.proto` file: it answers a client over HTTP/2.

use std::error::Error;

use greeter::greeter_client::GreeterClient;
use greeter::greeter_server::{Greeter, GreeterServer};
use greeter::{Reply, Request, reply::Body};
use prost::Message;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

mod greeter {
    tonic::include_proto!("greeter");
}

struct Sums;

#[tonic::async_trait]
impl Greeter for Sums {
    async fn greet(&self, request: tonic::Request<Request>) -> Result<tonic::Response<Reply>, tonic::Status> {
        let Request { name, numbers } = request.into_inner();
        if numbers.is_empty() {
            return Err(tonic::Status::invalid_argument(format!("{name} has no numbers")));
        }
        let body = Some(Body::Text(format!("{name}: {}", numbers.iter().sum::<i32>())));
        let at = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5 });
        Ok(tonic::Response::new(Reply { body, at }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder().add_service(GreeterServer::new(Sums));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut client = GreeterClient::connect(format!("http://{address}")).await?;
    let request = Request { name: "sum".to_owned(), numbers: vec![1, 20, 300] };
    let reply = client.greet(request).await?.into_inner();
    println!("{reply:?}\n{:02x?}", reply.encode_to_vec());
    let refused = client.greet(Request { name: "none".to_owned(), numbers: vec![] }).await.unwrap_err();
    println!("{:?}: {}", refused.code(), refused.message());
    Ok(())
}
