//! Agents, their keys, and what is revoked.

use super::*;

#[test]
fn everything_about_an_agent_survives() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let full = Agent { keys: vec![key(1).until(NOW + 9).unwrap(), key(2)], ..agent("full") };
    store.register(full.clone()).unwrap();
    store.register(agent("bare")).unwrap();
    store.change(&name("full"), Change::Suspend(Some(Reason::parse("odd").unwrap())), NOW + 1).unwrap();
    store.count_injection(&name("full")).unwrap();
    drop(store);
    let store = open(folder.path());
    let suspended = Agent {
        status: Status::Suspended,
        reason: Some(Reason::parse("odd").unwrap()),
        epoch: 2,
        injections: 1,
        updated_at: NOW + 1,
        ..full
    };
    assert_eq!(store.agents().unwrap(), [agent("bare"), suspended.clone()]);
    assert_eq!(store.agent(&name("full")).unwrap(), Some(suspended));
    assert_eq!(store.find("https://id.example", &Subject::parse("bare").unwrap()).unwrap(), Some(agent("bare")));
    assert_eq!(store.find("https://other.example", &Subject::parse("bare").unwrap()).unwrap(), None);
}

#[test]
fn a_row_that_was_edited_into_nonsense_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.register(Agent { keys: vec![key(1)], ..agent("bot") }).unwrap();
    let other = Connection::open(folder.path().join("state.db")).unwrap();
    for (edit, back) in [
        ("UPDATE agents SET status = 'trusted'", "UPDATE agents SET status = 'active'"),
        ("UPDATE agents SET capabilities = 'all'", "UPDATE agents SET capabilities = ''"),
        ("UPDATE agent_keys SET thumbprint = 'x'", "UPDATE agent_keys SET jwk = '{}'"),
    ] {
        other.execute_batch(edit).unwrap();
        assert!(matches!(store.agent(&name("bot")), Err(RegistryError::Unavailable(_))), "{edit}");
        other.execute_batch(back).unwrap();
    }
}

/// One thing that an administrator does.
#[derive(Clone, Debug)]
enum Act {
    Register(usize, u8),
    Change(usize, u8, u8),
    Import(Vec<(usize, u8)>, u8, bool),
    RevokeKey(u8),
    RevokeToken(usize),
    EndTask(usize),
    Injection(usize),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let (who, key) = (0..4_usize, 0..5_u8);
    prop_oneof![
        (who.clone(), key.clone()).prop_map(|(who, key)| Act::Register(who, key)),
        (who.clone(), 0..4_u8, key.clone()).prop_map(|(who, what, key)| Act::Change(who, what, key)),
        (prop::collection::vec((who.clone(), key.clone()), 0..3), key.clone(), prop::bool::ANY)
            .prop_map(|(agents, key, drop)| Act::Import(agents, key, drop)),
        key.prop_map(Act::RevokeKey),
        who.clone().prop_map(Act::RevokeToken),
        who.clone().prop_map(Act::EndTask),
        who.prop_map(Act::Injection),
        Just(Act::Restart),
    ]
}

fn made(who: usize, number: u8) -> Agent {
    let agent = agent(&format!("agent-{who}"));
    if number == 0 { agent } else { Agent { keys: vec![key(number)], ..agent } }
}

fn perform(registrar: &dyn Registrar, act: &Act, now: u64) -> String {
    let who = |who: &usize| name(&format!("agent-{who}"));
    match act {
        Act::Register(who, key) => format!("{:?}", registrar.register(made(*who, *key))),
        Act::Change(agent, what, number) => {
            let change = match what {
                0 => Change::Suspend(None),
                1 => Change::Resume,
                2 => Change::Revoke(Reason::parse("enough").ok()),
                _ => Change::AddKey { key: key(*number), overlap: 60 },
            };
            format!("{:?}", registrar.change(&who(agent), change, now))
        }
        Act::Import(agents, number, drop) => {
            let agents = agents.iter().map(|(who, key)| made(*who, *key)).collect();
            let document = RegistryDocument { agents, revocations: revoked(*number, now) };
            let missing = if *drop { MissingKeys::Drop } else { MissingKeys::Refuse };
            format!("{:?}", registrar.import(document, missing, now))
        }
        Act::RevokeKey(number) => {
            format!("{:?}", registrar.revoke(Revocable::Key(key(*number).thumbprint()), None, now))
        }
        Act::RevokeToken(n) => format!("{:?}", registrar.revoke(Revocable::Token(id(*n)), None, now)),
        Act::EndTask(n) => format!("{:?}", registrar.revoke(Revocable::Task(task(*n)), None, now)),
        Act::Injection(agent) => format!("{:?}", registrar.count_injection(&who(agent))),
        Act::Restart => String::new(),
    }
}

/// A key and a task, or nothing.
fn revoked(number: u8, now: u64) -> Vec<Revocation> {
    let what = [Revocable::Key(key(number).thumbprint()), Revocable::Task(task(usize::from(number)))];
    let revocation = |what| Revocation { what, reason: Reason::parse("import").ok(), at: now - 1 };
    if number == 0 { Vec::new() } else { what.map(revocation).into() }
}

fn task(n: usize) -> TaskId {
    TaskId::parse(&format!("task {n}")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is done in whatever order, restarts included: the durable registrar is as the one in memory.
    #[test]
    fn it_is_as_the_one_in_memory(acts in prop::collection::vec(act(), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        let memory = MemoryRegistrar::default();
        let mut store = open(folder.path());
        for (now, act) in (NOW..).zip(&acts) {
            if matches!(act, Act::Restart) {
                drop(store);
                store = open(folder.path());
            }
            prop_assert_eq!(perform(&store, act, now), perform(&memory, act, now));
            prop_assert_eq!(store.agents().unwrap(), memory.agents().unwrap());
            prop_assert_eq!(store.revocations().unwrap(), memory.revocations().unwrap());
            for n in 0..4 {
                let basis = Basis {
                    token: id(n),
                    agent: Some((name(&format!("agent-{n}")), 1)),
                    key: Some(key(n as u8 + 1).thumbprint()),
                    task: Some(task(n)),
                };
                for second in [now, now + 60] {
                    let gone = store.withdrawn(&basis, second).unwrap();
                    prop_assert_eq!(gone, memory.withdrawn(&basis, second).unwrap());
                }
            }
        }
    }
}
