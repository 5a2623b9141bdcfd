import Harness
import TestSupport

/// What is asked of the engines besides the suite: each restart policy, with and without a configured stop signal, against each thing that can happen.
enum Cases {
    /// A program that ends as it is told: `up` when it hears.
    private static let obedient =
        "trap 'exit 0' TERM; trap 'exit 7' USR1; trap : HUP; echo up; while :; do sleep 0.05; done"

    /// What happens, after the start: a name, PID 1, and the steps.
    private static let happenings: [(name: String, program: String, steps: String)] = [
        ("it exits 0", "exit 0", "wait 1500ms"),
        ("it exits 3", "exit 3", "wait 1500ms"),
        ("it exits 3 after a second", "sleep 1; exit 3", "wait 1500ms"),
        ("it dies of SIGSEGV", "kill -SEGV $$; sleep 5", "wait 500ms"),
        ("stop", obedient, "stop"),
        ("stop without grace", obedient, "stop grace 0s"),
        ("stop of what is deaf", "echo up; while :; do sleep 0.05; done", "stop grace 1s"),
        ("two stops", obedient, "stop\n  stop"),
        ("stop, then start", obedient, "stop\n  start"),
        ("kill", obedient, "kill\n  wait 700ms"),
        ("kill SIGTERM", obedient, "kill SIGTERM\n  wait 700ms"),
        ("kill SIGUSR1", obedient, "kill SIGUSR1\n  wait 700ms"),
        (
            "kill SIGHUP, which it survives", obedient,
            "kill SIGHUP\n  wait 300ms\n  signal SIGUSR1 to init\n  wait 700ms"
        ),
        ("a signal from the host", obedient, "signal SIGUSR1 to init\n  wait 700ms"),
        ("SIGKILL from the host", obedient, "signal SIGKILL to init\n  wait 700ms"),
        ("restart", obedient, "restart\n  wait 200ms"),
        ("restart of what has ended", "exit 0", "wait 300ms\n  restart\n  wait 300ms"),
        ("pause, stop", obedient, "pause\n  stop"),
        ("pause, kill", obedient, "pause\n  kill\n  wait 300ms"),
        ("pause, kill SIGHUP", obedient, "pause\n  kill SIGHUP\n  wait 300ms"),
        ("pause, restart", obedient, "pause\n  restart\n  wait 300ms"),
        ("pause, pause", obedient, "pause\n  pause"),
        ("resume of what runs", obedient, "resume"),
        ("pause, exec", obedient, "pause\n  exec true"),
        ("pause, resume, stop", obedient, "pause\n  resume\n  stop"),
        ("stop during the back-off", "exit 1", "wait 900ms\n  stop\n  wait 2s"),
        ("kill during the back-off", "exit 1", "wait 900ms\n  kill\n  wait 2s"),
        ("exec", obedient, "exec sh -c \"exit 5\""),
        ("exec of what is not there", obedient, "exec /no/such"),
        ("exec after the end", "exit 0", "wait 300ms\n  exec true"),
        ("kill after the end", "exit 0", "wait 300ms\n  kill"),
        ("recreate", obedient, "recreate\n  start"),
    ]

    private static let deaf = "echo up; trap : TERM HUP; while :; do sleep 0.05; done"

    /// What is asked for while a stop or a restart is under way.
    private static let meanwhile: [(name: String, program: String, steps: String)] = [
        ("begin stop, stop sooner", deaf, "begin stop grace 8s\n  wait 300ms\n  stop grace 1s"),
        ("begin stop, stop later", deaf, "begin stop grace 2s\n  wait 300ms\n  stop grace 20s"),
        ("begin stop, kill", deaf, "begin stop grace 8s\n  wait 300ms\n  kill"),
        ("begin stop, kill SIGHUP", deaf, "begin stop grace 2s\n  wait 300ms\n  kill SIGHUP\n  wait 3s"),
        ("begin stop, exec", deaf, "begin stop grace 2s\n  wait 300ms\n  exec true\n  wait 3s"),
        ("begin stop, start", deaf, "begin stop grace 2s\n  wait 300ms\n  start\n  wait 3s"),
        ("begin stop, pause", deaf, "begin stop grace 2s\n  wait 300ms\n  pause\n  wait 3s"),
        ("begin stop, restart", deaf, "begin stop grace 8s\n  wait 300ms\n  restart grace 1s\n  wait 500ms"),
        ("begin restart, stop", deaf, "begin restart grace 8s\n  wait 300ms\n  stop grace 1s\n  wait 1s"),
        ("begin restart, kill", deaf, "begin restart grace 8s\n  wait 300ms\n  kill\n  wait 1s"),
        ("begin stop, the client goes away", deaf, "begin stop grace 1s\n  client goes away\n  wait 2500ms"),
        ("begin restart, the client goes away", deaf, "begin restart grace 1s\n  client goes away\n  wait 2500ms"),
        ("begin stop of what obeys", obedient, "begin stop\n  wait 1s"),
        ("begin restart of what obeys", obedient, "begin restart\n  wait 1s"),
    ]

    private static let policies = ["no", "always", "unless-stopped", "on-failure", "on-failure:2"]

    static func scenarios() throws -> [Scenario] {
        var text = ""
        for (name, program, steps) in happenings + meanwhile {
            for policy in policies {
                for signal in [nil, "SIGTERM"] as [String?] {
                    // These take long, and depend on few of them.
                    if steps.hasPrefix("begin"), signal != nil || !["no", "unless-stopped"].contains(policy) {
                        continue
                    }
                    text += "scenario \"\(name); \(policy)\(signal.map { "; \($0) is configured" } ?? "")\"\n"
                    text += "  about none\n  restart policy \(policy)\n"
                    if let signal { text += "  stop signal \(signal) grace 10s\n" }
                    let quoted = program.replacing("\"", with: "\\\"")
                    text += "  command sh -c \"\(quoted)\"\n\n  start\n"
                    if program.contains("echo up") { text += "  wait for output line \"up\" within 10s\n" }
                    text += "  \(steps)\n  wait 500ms\n  expect state exited\n\n"
                }
            }
        }
        let parsed = parseScenarios(Array(text.utf8), file: "cases")
        return parsed.values
    }
}
