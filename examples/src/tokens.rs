//! Bearer tokens from the command line, from files, or from the environment.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use scim_server::BearerTokens;

/// The environment variable with a token. It is used if no argument gives one.
const VARIABLE: &str = "SCIM_TOKEN";

/// What `--help` says of tokens.
pub const TOKEN_HELP: &str = "Tokens:\n  \
    Other users of this machine can see a token on the command line (`ps`). Better are --token-file FILE, a file of \
    mode 0600; the environment variable SCIM_TOKEN, which counts when neither argument is given; and, for a server, \
    `sha256:HEX` in the place of the token, with what `printf %s \"$SCIM_TOKEN\" | sha256sum` prints. Files and the \
    variable hold one token a line, and `#` before remarks. A token that was given is never printed.";

/// Returns the tokens of the command line, then those of the files. If there are none, it returns those of
/// `SCIM_TOKEN`.
///
/// # Errors
///
/// If a file cannot be read or has no token in it, or if `SCIM_TOKEN` is set and empty.
pub fn given_tokens(mut arguments: Vec<String>, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    for file in files {
        let name = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
        warn_of_others(file);
        let before = arguments.len();
        arguments.extend(lines(&text));
        if arguments.len() == before {
            bail!("`{name}` holds no token: write one token a line");
        }
    }
    if arguments.is_empty()
        && let Some(text) = std::env::var_os(VARIABLE)
    {
        // A value that is not UTF-8 must not be shown either.
        let text = text.to_str().with_context(|| format!("{VARIABLE} is no UTF-8"))?;
        arguments.extend(lines(text));
        if arguments.is_empty() {
            bail!("{VARIABLE} is empty: set it to a token, or unset it");
        }
    }
    Ok(arguments)
}

/// Warns of a file that other users can read, and says how to close it.
fn warn_of_others(file: &Path) {
    #[cfg(unix)]
    if std::fs::metadata(file)
        .is_ok_and(|found| std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0)
    {
        let name = file.display();
        tracing::warn!(
            "other users of this machine can read the tokens; to keep them out: chmod 600 '{name}'"
        );
    }
    #[cfg(not(unix))]
    let _ = file;
}

fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

/// Returns the SHA-256 digest of a token, or the digest that is given instead as `sha256:HEX`.
///
/// # Errors
///
/// If the token is empty, or if what follows `sha256:` is not a digest. The message does not show it.
pub fn token_digest(text: &str) -> anyhow::Result<[u8; 32]> {
    let text = text.trim();
    if text.is_empty() {
        bail!("a token must not be empty: is a variable unset?");
    }
    match text.strip_prefix(DIGEST) {
        Some(hex) => digest(hex).context("`sha256:` must be followed by 64 hexadecimal digits"),
        None => Ok(BearerTokens::digest(text)),
    }
}

/// Returns whether it is a digest. A digest alone lets nobody in.
pub fn is_token_digest(text: &str) -> bool {
    text.starts_with(DIGEST)
}

const DIGEST: &str = "sha256:";

fn digest(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_stands_for_its_token() {
        let hex = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        for known in [hex.to_owned(), hex.to_uppercase()] {
            assert_eq!(token_digest(&format!("sha256:{known}")).unwrap(), BearerTokens::digest("secret"));
        }
        assert_eq!(token_digest(" secret\n").unwrap(), BearerTokens::digest("secret"));
        for odd in ["", &hex[1..], &format!("{hex}0"), &format!("{}x", &hex[1..]), &format!("{}é", &hex[2..])]
        {
            let error = token_digest(&format!("sha256:{odd}")).unwrap_err().to_string();
            assert_eq!(error, "`sha256:` must be followed by 64 hexadecimal digits", "{odd}");
        }
        assert!(token_digest(" ").is_err());
    }

    #[test]
    fn a_file_has_a_token_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        std::fs::write(&file, "# of the provider\n one \r\n\n#two\nthree=repo\n").unwrap();
        let given = given_tokens(vec!["zero".to_owned()], std::slice::from_ref(&file)).unwrap();
        assert_eq!(given, ["zero", "one", "three=repo"]);
        std::fs::write(&file, "# nothing yet\n").unwrap();
        assert!(given_tokens(vec!["zero".to_owned()], &[file]).unwrap_err().to_string().contains("no token"));
        assert!(given_tokens(Vec::new(), &[folder.path().join("none")]).is_err());
    }
}
