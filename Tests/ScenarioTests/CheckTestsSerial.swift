import Foundation
import Harness
import TestSupport
import Testing
import Vocabulary

/// Images that are each wrong in one way, and some that are not: what `harness check` says of them.
@Suite("Checks", .serialized, .timeLimit(.minutes(10)))
struct CheckTestsSerial {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var files: [TestImage.File] = []
        var configuration = #"{"Entrypoint":["/entry.sh"]}"#
        /// The checks that are to fail, each with its cause; `itself`: the check says enough.
        var bad: [String: String] = [:]
        /// What may be found or not: it is true as well, or depends on the moment.
        var besides: Set<String> = []
        /// Why it does not start.
        var diagnosis: String?
        /// An applet of the shell's friends that is setuid.
        var setuid: String?

        var testDescription: String { name }

        init(
            _ name: String, script: String? = nil, files: [TestImage.File] = [], configuration: String? = nil,
            bad: [String: String] = [:], besides: Set<String> = [], diagnosis: String? = nil, setuid: String? = nil
        ) {
            self.setuid = setuid
            self.name = name
            self.files = files + (script.map { [.script("entry.sh", $0)] } ?? [])
            if let configuration { self.configuration = configuration }
            // What sets its handler last is deaf before that, as long as the machine lets its start take.
            (self.bad, self.besides, self.diagnosis) = (
                bad, bad.isEmpty ? besides : besides.union(["stop-early"]), diagnosis
            )
        }
    }

    private static let itself = ""
    /// What waits for a signal as it should.
    private static let waits = "trap 'exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n"
    private static let withVolume = #"{"Entrypoint":["/entry.sh"],"Volumes":{"/data":{}}}"#
    /// A data directory of root's: any other user fails on it, which is true.
    private static let onVolume: Set<String> = ["user"]

    static let wrong: [Case] = [
        Case(
            "the shell form of CMD", configuration: #"{"Cmd":["/bin/sh","-c","httpd -f -p 8080; echo end"]}"#,
            bad: ["stop": "has-no-handler", "failure": "exits-zero"]),
        Case("no handler", script: "while :; do sleep 1; done\n", bad: ["stop": "has-no-handler"]),
        Case(
            "a handler that forgets to end", script: "trap 'echo heard' TERM\nwhile :; do sleep 1 & wait $!; done\n",
            bad: ["stop": "stays-after-its-handler"]),
        Case(
            "the stop signal is ignored", script: "trap '' TERM\nexec sleep 1000\n",
            bad: ["stop": "ignores-the-stop-signal", "orphans": "never-waits"]),
        Case(
            "a time-out of its own that is too long",
            script: "trap 'sleep 30; exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n",
            bad: ["stop": "stays-after-its-handler"]),
        Case(
            "a program that writes is never told",
            script:
                "trap 'exit 0' TERM\n(while :; do echo x; sleep 1; done) 5> /tmp/log >&5 &\nwhile :; do sleep 1 & wait $!; done\n",
            bad: ["stop": itself]),
        Case(
            "wait is ended by the signal",
            script:
                "sh -c 'trap \"sleep 0.5; echo saved > /tmp/state; exit 0\" TERM; while :; do sleep 1 & wait $!; done' &\ntrap \"kill $!\" TERM\nwait\n",
            bad: ["stop": "waits-for-nobody", "failure": "exits-zero"]),
        Case(
            "a pipeline hides the status",
            script: "trap 'kill %1; exit 0' TERM\n(httpd -f -p 8080; exit 3) | cat &\nwait\n",
            bad: ["failure": "exits-zero", "stop": itself]),
        Case(
            "a failure is swallowed", script: "trap 'kill -9 $!; exit 0' TERM\nhttpd -f -p 8080 &\nwait $!\nexit 0\n",
            bad: ["failure": "exits-zero"]),
        Case(
            "clients are waited for without end",
            script:
                "trap 'while grep -q \":1F90 .* 01 \" /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done; kill -9 $!; exit 0' TERM\nhttpd -f -p 8080 &\nwait $!; exit $?\n",
            bad: ["stop-busy": "stays-after-its-handler"]),
        Case(
            "it fails when it is stopped", script: "trap 'exit 1' TERM\nwhile :; do sleep 1 & wait $!; done\n",
            bad: ["status": "fails-when-stopped"]),
        Case(
            "it ends after a while", script: "trap 'exit 0' TERM\nsleep 3 & wait $!\necho 'no database' >&2\nexit 3\n",
            bad: ["start": itself]),
        Case(
            "nobody reaps", configuration: #"{"Cmd":["/bin/sleep","1000"]}"#,
            bad: ["orphans": "never-waits", "stop": "has-no-handler"]),
        Case(
            "deaf while it starts", script: "sleep 0.8\necho ready\n" + waits, bad: ["stop-early": "has-no-handler"]),
        Case(
            "a pid file that a kill leaves",
            script:
                "[ -e /run/app.pid ] && { echo 'already running'; exit 1; }\necho $$ > /run/app.pid\ntrap 'rm /run/app.pid; exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n",
            bad: ["kill": "does-not-start-again"], besides: ["restart-early"]),
        Case(
            "a pid file that every end leaves",
            script: "[ -e /run/app.pid ] && { echo 'already running'; exit 1; }\necho $$ > /run/app.pid\n" + waits,
            bad: ["restarts": "does-not-start-again", "kill": "does-not-start-again"]),
        Case(
            "a lock on the volume",
            script:
                "mkdir /data/lock || { echo locked; exit 1; }\ntrap 'rmdir /data/lock; exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n",
            configuration: withVolume, bad: ["kill": "stays-down"],
            besides: onVolume.union(["restart-early", "together"])),
        Case(
            "the marker before the work",
            script:
                "if [ ! -e /data/done ]; then touch /data/done; sleep 0.3; echo schema > /data/schema; fi\n[ -e /data/schema ] || { echo 'no schema'; exit 1; }\n"
                + waits, configuration: withVolume, bad: ["kill-early": itself],
            besides: onVolume),
        Case(
            "half of the first work counts as done",
            script:
                "if [ ! -e /data/db ]; then mkdir /data/db; sleep 0.2; touch /data/db/users; fi\ncat /data/db/users || exit 1\n"
                + waits, configuration: withVolume, bad: ["kill-early": itself],
            besides: onVolume),
        Case(
            "a stop leaves half of the first work",
            script:
                "trap 'exit 0' TERM\nif [ ! -e /data/done ]; then mkdir /data/db || { echo 'half done'; exit 1; }; sleep 0.4 & wait $!; touch /data/done; fi\nwhile :; do sleep 1 & wait $!; done\n",
            configuration: withVolume, bad: ["kill-early": itself, "restart-early": itself],
            besides: onVolume.union(["together"])),
        Case(
            "the first work is done twice", script: "mkdir /data/db || { echo 'cannot create'; exit 1; }\n" + waits,
            configuration: withVolume,
            bad: ["restarts": "stays-down", "kill": "stays-down", "recreate": "stays-down"],
            besides: onVolume),
        Case(
            "the volume remembers the container",
            script:
                "if [ -e /data/host ] && [ \"$(cat /data/host)\" != \"$HOSTNAME\" ]; then echo 'another host'; exit 1; fi\necho $HOSTNAME > /data/host\n"
                + waits, configuration: withVolume, bad: ["recreate": "stays-down"],
            // A kill may come between the file and what is in it.
            besides: onVolume.union(["kill-early"])),
        Case(
            "the last one takes the volume",
            script:
                "trap 'exit 0' TERM\nme=$(cat /proc/sys/kernel/random/uuid)\necho $me > /data/owner\nwhile [ \"$(cat /data/owner)\" = $me ]; do sleep 0.1; done\nexit 4\n",
            configuration: withVolume, bad: ["together": itself], besides: onVolume.union(["failure"])),
        Case(
            "a privilege is needed", script: "ping -c 1 127.0.0.1 || { echo 'no ping'; exit 1; }\n" + waits,
            configuration: #"{"Entrypoint":["/entry.sh"],"User":"app"}"#, bad: ["privileges": itself], setuid: "ping"),
        Case(
            "it writes to its root", script: "echo x > /etc/app.conf || exit 1\n" + waits,
            bad: ["read-only": itself, "user": itself]),
        Case(
            "many processes", script: "for i in $(seq 80); do sleep 1000 & done\n" + waits, bad: ["processes": itself]),
        Case(
            "much memory",
            script: "awk 'BEGIN { s = \"x\"; while (length(s) < 200000000) s = s s; system(\"sleep 1000\") }' &\n"
                + waits,
            bad: ["memory": itself]),
        Case(
            "what it prints stays in a buffer", script: "(echo listening; exec sleep 1000) | cut -c 1- &\n" + waits,
            bad: ["output": itself]),
        Case(
            "a full disk goes unseen", script: "head -c 1000000 /dev/zero > /var/data || exit 0\n" + waits,
            bad: ["disk": itself], besides: ["read-only", "user"]),
        Case(
            "another under Podman",
            script:
                "[ -n \"$container\" ] && trap '' TERM || trap 'exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n",
            bad: ["runtimes": itself]),
        Case(
            "with a terminal another", script: "[ -t 1 ] && exit 1\n" + waits, bad: ["terminal": itself]),
        Case(
            "a terminal is needed", script: "test -t 0 || { echo 'not a terminal'; exit 1; }\n" + waits,
            bad: ["start": itself], diagnosis: "needs-a-terminal"),
        Case(
            "input is read to its end", script: "while read line; do echo $line; done\n", bad: ["start": itself],
            diagnosis: "standard-input-is-at-its-end"),
        Case(
            "lines of another system", files: [.init("entry.sh", "#!/bin/sh\r\nsleep 1000\r\n")],
            bad: ["start": itself],
            diagnosis: "carriage-return-in-first-line"),
        Case(
            "an interpreter that is not there", files: [.init("entry.sh", "#!/bin/bash\nsleep 1000\n")],
            bad: ["start": itself], diagnosis: "missing-interpreter"),
        Case(
            "a script that may not be executed", files: [.init("entry.sh", "#!/bin/sh\nsleep 1000\n", mode: "644")],
            bad: ["start": itself], diagnosis: "not-executable"),
        Case(
            "a program that is not there", configuration: #"{"Cmd":["/usr/bin/app"]}"#, bad: ["start": itself],
            diagnosis: "command-not-found"),
        Case(
            "a volume of another user", script: "touch /data/x || { echo denied; exit 1; }\n" + waits,
            configuration: #"{"Entrypoint":["/entry.sh"],"User":"app","Volumes":{"/data":{}}}"#,
            bad: ["start": itself], diagnosis: "permission-denied-on-volume"),
        Case(
            "into the background", script: "httpd -p 8080\n", bad: ["start": itself],
            diagnosis: "goes-into-the-background"),
    ]

    static let healthy: [Case] = [
        Case("it waits", script: waits),
        Case(
            "a second one is refused",
            script:
                "trap 'rm -f /data/lock; exit 0' TERM\nif [ -e /data/lock ] && [ \"$(cat /data/lock)\" != $HOSTNAME ]; then echo 'in use'; exit 1; fi\necho $HOSTNAME > /data/lock\nwhile :; do sleep 1 & wait $!; done\n",
            configuration: withVolume, besides: onVolume.union(["recreate"])),
        Case(
            "it passes the signal on",
            script: "sh -c \"\(waits.replacing("$", with: "\\$"))\" &\ntrap \"kill $!\" TERM\nwait $!; wait $!\n"),
        Case(
            "it listens", script: "httpd -f -p 8080 &\ntrap \"kill $!; exit 0\" TERM\nwait $!; exit $?\n",
            configuration: #"{"Entrypoint":["/entry.sh"],"ExposedPorts":{"8080/tcp":{}}}"#),
        Case(
            "it is healthy", script: "trap 'exit 0' TERM\ntouch /tmp/up\n" + waits,
            configuration:
                #"{"Entrypoint":["/entry.sh"],"Healthcheck":{"Test":["CMD-SHELL","test -e /tmp/up"],"Interval":500000000}}"#
        ),
        Case(
            "its health check has no interval", script: "trap 'exit 0' TERM\ntouch /tmp/up\n" + waits,
            configuration: #"{"Entrypoint":["/entry.sh"],"Healthcheck":{"Test":["CMD-SHELL","test -e /tmp/up"]}}"#),
        Case("as another user", script: waits, configuration: #"{"Entrypoint":["/entry.sh"],"User":"1000:1000"}"#),
        Case(
            "the work beside its place, the marker last",
            script:
                "if [ ! -e /data/done ]; then echo x > /data/new; mv /data/new /data/schema; touch /data/done; fi\n[ -e /data/schema ] || exit 1\n"
                + waits, configuration: withVolume, besides: onVolume),
        Case(
            "another stop signal", script: "trap 'exit 0' QUIT\nwhile :; do sleep 1 & wait $!; done\n",
            configuration: #"{"Entrypoint":["/entry.sh"],"StopSignal":"SIGQUIT"}"#),
        Case(
            "arguments, variables and a directory of its own",
            script: "[ \"$1 $MODE $(pwd)\" = 'serve prod /srv/app' ] || exit 1\n" + waits,
            configuration: #"{"Entrypoint":["/entry.sh"],"Cmd":["serve"],"Env":["MODE=prod"],"WorkingDir":"/srv/app"}"#),
        Case("it takes a while to stop", script: "trap 'sleep 1; exit 0' TERM\nwhile :; do sleep 1 & wait $!; done\n"),
        Case("it ends with the signal's status", script: "trap 'exit 143' TERM\nwhile :; do sleep 1 & wait $!; done\n"),
    ]

    private struct Answer: Decodable {
        struct Check: Decodable {
            let id, answer: String
            let cause, observed: String?
        }
        struct Finding: Decodable { let cause: String }
        let checks: [Check]
        let diagnosis: [Finding]?
        let harmful: Int
    }

    private func check(_ one: Case) async throws -> (answer: Answer, isBad: Bool) {
        try await blocking {
            let image = try TestImage("app:1", one.files, configuration: one.configuration, setuid: one.setuid)
            defer { image.remove() }
            let end = try Command(
                [Checkout.harness, "check", image.path, "--stop-timeout", "2", "--format", "json", "--time", "5s"],
                environment: Command.usualEnvironment + [
                    "HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)",
                    "XDG_CACHE_HOME=\(Checkout.root)/.build/test-cache",
                ]
            ).finish(within: .seconds(400))
            do {
                return (try JSONDecoder().decode(Answer.self, from: Data(end.output.utf8)), end.status == .exited(1))
            } catch {
                throw TestImage.Problem(description: "\(end.output)\(end.errors)")
            }
        }
    }

    /// How many at once: most of a check is waiting.
    private static let atOnce = 4

    private func checkAll(_ cases: [Case]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, one) in cases.enumerated() {
                if number >= Self.atOnce { try await group.next() }
                group.addTask { try await expect(one) }
            }
            try await group.waitForAll()
        }
    }

    private func expect(_ one: Case) async throws {
        let (answer, isBad) = try await check(one)
        let found = answer.checks.filter { ["harmful", "worth knowing"].contains($0.answer) }
        #expect(
            Set(found.map(\.id)).subtracting(one.besides.subtracting(one.bad.keys)) == Set(one.bad.keys),
            "\(one.name): \(found.map { "\($0.id): \($0.observed ?? "")" })")
        for (id, cause) in one.bad {
            guard cause != Self.itself, let own = found.first(where: { $0.id == id }) else { continue }
            #expect(own.cause == cause, "\(one.name), \(id)")
        }
        #expect(isBad == (answer.harmful > 0), "\(one.name)")
        if let diagnosis = one.diagnosis {
            #expect(answer.diagnosis?.first?.cause == diagnosis, "\(one.name)")
        }
    }

    @Test(.enabled(if: Checkout.isInstalled("busybox"))) func whatIsWrongIsFound() async throws {
        try await checkAll(Self.wrong)
    }

    @Test(.enabled(if: Checkout.isInstalled("busybox"))) func whatIsRightIsGood() async throws {
        try await checkAll(Self.healthy)
    }

    /// What is made of documents runs: a pod with an init container, a project whose services wait for each other.
    @Test(.enabled(if: Checkout.isInstalled("busybox")), arguments: ["deployment", "compose"])
    func whatIsImportedRuns(document: String) async throws {
        let end = try await blocking {
            let image = try TestImage(
                "app:1", [.script("entry.sh", Self.waits)], configuration: #"{"Entrypoint":["/entry.sh"]}"#)
            defer { image.remove() }
            let environment = [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)", "XDG_CACHE_HOME=\(Checkout.root)/.build/test-cache",
            ]
            let scenario = image.path + ".scenario"
            let made = try Command(
                [
                    Checkout.harness, "import", "\(Checkout.root)/Tests/ImportTests/Documents/\(document).json",
                    "--image",
                    image.path, "--output", scenario,
                ], environment: environment
            ).finish()
            #expect(made.status == .exited(0), "\(made.errors)")
            return try Command([Checkout.harness, "run", "--no-config", scenario], environment: environment).finish()
        }
        #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
    }

    /// Every check has an image that fails it, but for the one that few machines allow.
    @Test func everyCheckCanFail() {
        let failed = Set(Self.wrong.flatMap { $0.bad.keys })
        #expect(Set(CheckItem.all.map(\.id)).subtracting(failed) == ["files"])
    }
}
