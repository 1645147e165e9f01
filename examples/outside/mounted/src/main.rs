//! Serves the application at a free port of this machine until it is stopped.

#[tokio::main]
async fn main() -> mounted::Result<()> {
    let folder = tempfile::tempdir()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/scim/v2", listener.local_addr()?);
    let (server, store) = mounted::server(&folder.path().join("staff.db"), &url, "s3cret").await?;
    tokio::spawn(mounted::follow(store, 0, |change| println!("{change}")));
    mounted::administrator(&server).await?;
    println!("{url} takes the token `s3cret`");
    Ok(axum::serve(listener, mounted::application(server)).await?)
}
