import Journal
import Model
import Vocabulary

extension Session {
    /// How long a program may take to say its version.
    private static let patienceWithVersion = Duration.seconds(5)

    /// The first line of what each init prints when its profile asks for its version, by the profile's name; those that say nothing are
    /// left out.
    ///
    /// Blocks until all have answered. What is asked is the init under test: it runs in a container, like all of it.
    ///
    /// - Throws: `CannotRun`.
    public func versions(of profiles: [InitProfile]) throws -> [String: String] {
        let asked = profiles.filter { !$0.version.isEmpty }
        let jobs = asked.map { profile in
            var plain = InitProfile.none
            plain.layers = profile.layers
            return Job(Session.question(Session.asChild(profile.version)), plain)
        }
        let lines = try run(jobs, atOnce: 16).map { result in
            let printed = result.journal.events.printedLines
            return (printed.first { !$0.text.isEmpty && !$0.stream.isOfExec })?.text
        }
        // Of a session that was interrupted not all are there.
        return Dictionary(
            zip(asked, lines).compactMap { profile, line in line.map { (profile.name, $0) } }, uniquingKeysWith: { $1 })
    }

    /// As a child of the reference: systemd that is PID 1 sets out to be one, even where it is asked for its version.
    private static func asChild(_ command: [String]) -> [String] {
        let service = ["--service", "main", "--after", "", "--kind", "simple", "--pidfile", ""]
        return ["/.harness/fake-services", "init"] + service + ["--"] + command
    }

    static func question(_ command: [String]) -> Scenario {
        let place = SourcePlace(file: "", line: 0, column: 0)
        var scenario = Scenario(title: "the version", place: place)
        scenario.settings.payload = .command(command)
        scenario.settings.environment = ["LC_ALL=C"]
        scenario.stop.grace = .zero
        scenario.steps = [
            Step(.start, place: place),
            Step(.waitFor(.state(.exited), isNegated: false, within: patienceWithVersion), place: place),
        ]
        return scenario
    }
}
