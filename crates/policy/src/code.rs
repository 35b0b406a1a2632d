//! Reason codes: stable identifiers that a guest, a report and the audit log may carry. The prose lives elsewhere.
//!
//! A code never changes its meaning. Each has a row in `docs/src/reference/codes.md` and at least one case in `tests/`.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// Why a call was allowed, refused, failed or limited.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name),+ }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text),+ }
            }
        }
    };
}

codes! {
    /// Every source covers the call.
    Allowed = "allow";

    // The request itself.
    /// The resource has more than one reading (`..`, an encoded separator, an odd address, …) and is never normalised.
    Ambiguous = "deny.request.ambiguous";
    /// The arguments do not form a request at all.
    Malformed = "deny.request.malformed";
    /// Rules have conditions on the body, and it is not a JSON object that all readers read alike.
    RequestBody = "deny.request.body";
    /// The guest asked for something that no policy can allow.
    Unsupported = "deny.request.unsupported";

    // The token, before it grants anything.
    TokenTooLarge = "deny.token.too_large";
    /// Not three segments of canonical base64url, or not JSON in them.
    TokenMalformed = "deny.token.malformed";
    TokenDuplicateMember = "deny.token.duplicate_member";
    /// A header member that would bring a key or another meaning with it: `crit jku x5u x5c jwk b64 zip`.
    TokenHeader = "deny.token.header";
    /// Not an access token (`typ` is not `at+jwt`).
    TokenType = "deny.token.type";
    TokenAlgorithm = "deny.token.algorithm";
    /// No `kid`, or not a usable one.
    TokenKeyId = "deny.token.key_id";
    TokenIssuer = "deny.token.issuer";
    TokenUnknownKey = "deny.token.unknown_key";
    /// The key's type, use, algorithm, curve or size does not fit.
    TokenUnfitKey = "deny.token.unfit_key";
    TokenSignature = "deny.token.signature";
    TokenAudience = "deny.token.audience";
    /// A required claim is missing or of the wrong type.
    TokenClaim = "deny.token.claim";
    TokenIssuedInFuture = "deny.token.issued_in_future";
    TokenNotYetValid = "deny.token.not_yet_valid";
    /// It lives longer than its issuer's tokens may.
    TokenLifetime = "deny.token.lifetime";
    TokenSubject = "deny.token.subject";
    /// A scope of a known kind is malformed, which spoils the whole token.
    TokenScopeClaim = "deny.token.scope_claim";
    /// It is bound to a key, and nobody proved possession of that.
    TokenProofRequired = "deny.token.proof_required";
    /// It has a claim whose meaning this version does not enforce.
    TokenUnsupported = "deny.token.unsupported";
    /// It grants more than the registry declares for its agent.
    TokenPrivilegeInjection = "deny.token.privilege_injection";
    /// Its `authorization_details` of type `bailiwick` are malformed.
    TokenDetails = "deny.token.authorization_details";
    /// Its chain of actors (`act`) is malformed or too long.
    TokenActor = "deny.token.actor";
    /// It is not bound to a key, where only a bound one will do.
    TokenNotBound = "deny.token.not_bound";
    /// It was issued too long ago for a sensitive action.
    TokenTooOld = "deny.token.too_old";
    /// Its `authorization_details` cover the call, and its arguments are as none of them demands.
    TokenArgument = "deny.token.argument";
    /// It may be used once, and was.
    TokenReplayed = "deny.token.replayed";

    // The proof of possession (DPoP, RFC 9449) that came with the token.
    /// Not a compact token, not JSON in it, a claim missing or of the wrong type.
    ProofMalformed = "deny.proof.malformed";
    ProofDuplicateMember = "deny.proof.duplicate_member";
    /// A header member that would bring another meaning with it: `crit jku x5u x5c b64 zip`.
    ProofHeader = "deny.proof.header";
    /// Not a proof (`typ` is not `dpop+jwt`).
    ProofType = "deny.proof.type";
    ProofAlgorithm = "deny.proof.algorithm";
    /// Its key is missing, private, symmetric, or does not fit.
    ProofKey = "deny.proof.key";
    ProofSignature = "deny.proof.signature";
    /// It is for another method (`htm`).
    ProofMethod = "deny.proof.method";
    /// It is for another URI (`htu`).
    ProofTarget = "deny.proof.target";
    /// It is for another access token (`ath`).
    ProofToken = "deny.proof.token";
    /// The token is bound to another key (`cnf.jkt`).
    ProofBinding = "deny.proof.binding";
    /// It was made too long ago, or in the future.
    ProofTime = "deny.proof.time";
    /// The server's nonce is missing, or not one that the server accepts now.
    ProofNonce = "deny.proof.nonce";
    /// It was used before.
    ProofReplayed = "deny.proof.replayed";
    /// The store of what was used once is full or cannot be reached: no record, no use.
    ReplayStore = "deny.identity.replay_store";

    // The agent in the registry.
    /// No registered agent has the token's issuer and subject.
    AgentUnknown = "deny.agent.unknown";
    AgentSuspended = "deny.agent.suspended";
    AgentRevoked = "deny.agent.revoked";
    /// Its newest key is older than keys may be: rotation is overdue.
    AgentKeyOverdue = "deny.agent.key_overdue";
    /// The token is bound to a key that is not one of the agent's.
    AgentKeyUnknown = "deny.agent.key_unknown";
    /// The token is bound to a key of the agent that is not valid yet, or not any more.
    AgentKeyExpired = "deny.agent.key_expired";
    /// The token is bound to a key that was revoked.
    AgentKeyRevoked = "deny.agent.key_revoked";
    /// The task was ended: nothing is left of its authority.
    TaskEnded = "deny.task.ended";
    /// The host's configuration does not trust the local issuer.
    LocalIssuerForbidden = "deny.identity.local_issuer";
    /// The token's issuer does not answer, and the keys at hand do not have the token's.
    IssuerUnreachable = "deny.issuer.unreachable";
    /// A host of the issuer has an address that is not public, and its configuration does not say `private = true`.
    IssuerAddress = "deny.issuer.address";
    /// What the issuer published cannot be used: a redirect, too large, another issuer's metadata, not a key set.
    IssuerAnswer = "deny.issuer.answer";

    // The sources of authority.
    TokenScope = "deny.token.scope";
    TokenExpired = "deny.token.expired";
    TokenRevoked = "deny.token.revoked";
    RegistryCapability = "deny.registry.capability";
    /// The manifest does not list the agent under `agents`.
    ManifestAgent = "deny.manifest.agent";
    ManifestNoRule = "deny.manifest.no_rule";
    ManifestRule = "deny.manifest.rule";
    /// Rules cover the call, and its arguments are as none of them demands.
    ManifestArgument = "deny.manifest.argument";
    /// The ceiling lists agents, and this one is not among them.
    CeilingAgent = "deny.ceiling.agent";
    CeilingNoRule = "deny.ceiling.no_rule";
    CeilingRule = "deny.ceiling.rule";
    /// Rules of the ceiling cover the call, and its arguments are as none of them demands.
    CeilingArgument = "deny.ceiling.argument";
    /// Rules of the manifest cover the table, and none of them all the columns.
    ManifestColumn = "deny.manifest.column";
    /// Rules of the ceiling cover the table, and none of them all the columns.
    CeilingColumn = "deny.ceiling.column";
    TaskRestriction = "deny.task.restriction";
    /// The budgets of the rule cannot be read or written: nobody can tell what is left.
    BudgetsUnavailable = "deny.budgets.unavailable";
    /// The audit log cannot be written: no record, no call.
    AuditUnavailable = "deny.audit.unavailable";

    // Checked by an effect after the decision, because only then is it known.
    /// The address is loopback, private, link-local or otherwise not public, and no rule names it with `private = true`.
    PrivateAddress = "deny.network.private_address";
    /// A request header that the rule does not let the guest set.
    RequestHeader = "deny.network.header";
    /// The path leads out of its mount, through a symbolic link for example.
    OutsideMount = "deny.file.outside_mount";
    /// Not a regular file or a directory: a device, a FIFO, a socket.
    SpecialFile = "deny.file.special";
    /// The key exists, and its algorithm does not serve this operation.
    KeyUse = "deny.crypto.key_use";
    /// The placeholder of a secret stands where no rule lets the request carry it.
    SecretPlace = "deny.secret.place";
    /// The operator has not accepted the tool.
    ToolUnaccepted = "deny.tool.unaccepted";
    /// The tool, or how its server is started, is not as the operator accepted it.
    ToolChanged = "deny.tool.changed";

    // The world did not cooperate.
    NotFound = "failed.not_found";
    Exists = "failed.exists";
    NotDirectory = "failed.not_directory";
    IsDirectory = "failed.is_directory";
    NotEmpty = "failed.not_empty";
    /// The operating system refused; the host process itself lacks the right.
    HostPermission = "failed.host_permission";
    /// An input or output error of the host.
    Io = "failed.io";
    /// The host's disk is full; the budget of the run is not.
    NoSpace = "failed.no_space";
    /// A staged change was not applied: somebody else changed the same thing meanwhile.
    Conflict = "failed.conflict";
    DnsFailed = "failed.dns";
    ConnectFailed = "failed.connect";
    TlsFailed = "failed.tls";
    HttpFailed = "failed.http";
    /// No such key in the host's key store.
    NoKey = "failed.no_key";
    /// The host has no secret of that name.
    NoSecret = "failed.no_secret";
    /// The value of the secret cannot stand in that place.
    SecretUnfit = "failed.secret_unfit";
    /// The newest version of the key is too old to sign or encrypt, or has encrypted as much as it may.
    KeyExpired = "failed.key_expired";
    /// The host's key store, or a key in it, cannot be read or written.
    KeyStore = "failed.key_store";
    /// A signature, tag or ciphertext that does not verify.
    NotAuthentic = "failed.not_authentic";
    /// The tool server does not start, breaks its protocol, or has gone.
    ToolServer = "failed.tool_server";
    /// The tool server has no such tool.
    NoTool = "failed.no_tool";
    /// The arguments do not fit the tool's input schema.
    ToolArguments = "failed.tool_arguments";
    /// The tool server answered the call with an error of its protocol.
    ToolError = "failed.tool_error";
    /// The result is not as the protocol, or the tool's output schema, says.
    ToolResult = "failed.tool_result";
    /// The host keeps no key-value stores.
    NoStore = "failed.no_store";
    /// The value is not a decimal number, or the sum does not fit.
    NotNumber = "failed.not_a_number";
    /// The database does not understand the statement, or the values do not fit it.
    SqlStatement = "failed.sql_statement";
    /// A constraint of the database does not hold.
    SqlConstraint = "failed.sql_constraint";
    /// Somebody else holds the database for longer than is waited.
    DatabaseBusy = "failed.database_busy";
    /// The file of the database is damaged, or is no database.
    DatabaseDamaged = "failed.database_damaged";
    /// A result that is not JSON.
    NotJson = "failed.not_json";
    /// Text was asked for, and the bytes are not UTF-8.
    NotUtf8 = "failed.not_utf8";
    /// The core ABI has no operation of that name.
    UnknownOperation = "failed.unknown_operation";
    /// The argument of one of the run's own operations is not as its reference says.
    MalformedArgument = "failed.malformed_argument";
    /// The run ended while the call was under way.
    Abandoned = "failed.abandoned";
    /// A fault of the host; the operator's log has the details.
    Internal = "failed.internal";

    // Limits.
    HostCalls = "limit.host_calls";
    OutputBytes = "limit.output";
    DiskBytes = "limit.disk";
    /// The run made as many files and directories as it may.
    Files = "limit.files";
    /// The files in memory and the guest's own memory are at the limit together.
    MemoryBytes = "limit.memory";
    /// The rule lets through no more calls in this time.
    RuleCalls = "limit.rule_calls";
    /// The calls that the rule lets through would come to more, together, than they may.
    RuleSum = "limit.sum";
    /// The call's turn comes later than it can wait.
    RuleRate = "limit.rate";
    CallDeadline = "limit.deadline";
    RequestBytes = "limit.request_bytes";
    ResponseBytes = "limit.response_bytes";
    DecompressedBytes = "limit.decompressed_bytes";
    ArgumentBytes = "limit.argument_bytes";
    /// The store is full.
    StoreSize = "limit.store_size";
    /// The statement takes more memory than there is for statements.
    SqlMemory = "limit.sql_memory";
    OpenHandles = "limit.open_handles";
    Redirects = "limit.redirects";
}

impl Code {
    /// The code with that text.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The reference page, in the book.
    const PAGE: &str = include_str!("../../../docs/src/reference/codes.md");

    #[test]
    fn the_reference_has_a_row_for_every_code_and_no_other() {
        let first_cell = |line: &'static str| line.strip_prefix("| `")?.split_once("` |").map(|(code, _)| code);
        let looks_like_a_code = |text: &&str| {
            *text == "allow" || ["deny.", "failed.", "limit."].iter().any(|start| text.starts_with(start))
        };
        // The table of prefixes has `deny.` itself, which is no code.
        let rows: Vec<_> =
            PAGE.lines().filter_map(first_cell).filter(looks_like_a_code).filter(|code| !code.ends_with('.')).collect();
        let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let documented: BTreeSet<_> = rows.iter().copied().collect();
        assert_eq!(codes.difference(&documented).collect::<Vec<_>>(), [] as [&&str; 0], "without a row");
        assert_eq!(documented.difference(&codes).collect::<Vec<_>>(), [] as [&&str; 0], "rows of no code");
        // `allow` stands in two tables, as a prefix and as a code.
        assert_eq!(rows.len(), codes.len() + 1, "a code with two rows");
    }

    #[test]
    fn codes_read_back() {
        assert!(Code::ALL.iter().all(|code| Code::parse(code.as_str()) == Some(*code)));
        assert_eq!(Code::parse("deny"), None);
    }
}
