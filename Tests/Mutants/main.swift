// Runs the conformance suite against the reference with each of its defects, and the scenarios about the runtime's rules
// against a runtime with each of its own; prints which scenario catches which, and which cause is named. Exit status 1 when a defect
// survives, when what it fails is put down to another cause than its own, when a row about restarts or markers catches none, or when the
// reference itself fails. `make mutants`.
import Glibc
import Harness
import ServiceProtocol

/// What the suite is run against: right, or with one thing wrong.
struct Subject {
    var name: String
    var summary = ""
    var profiles: [InitProfile]
    /// Nil: those of the runtime that each scenario is about.
    var rules: RuntimeRules?
    /// Whether it is worth its time to ask this of it.
    var isAsked: (Scenario, InitProfile) -> Bool = { _, _ in true }
    var hasDefect = true
    /// The cause that must be named, and no other; nil: it is no defect of an init.
    var cause: String?

    init(reference profile: InitProfile) {
        (name, profiles, hasDefect) = (profile.name, [profile], false)
    }

    /// The reference init with one thing wrong.
    ///
    /// - Precondition: the command of the profile is `fake-services init …`.
    init(_ defect: Defect, of reference: InitProfile) {
        precondition(reference.command.dropFirst().first == "init", "\(reference.command) is not the reference")
        var profile = reference
        profile.command.insert(contentsOf: ["--defect", defect.rawValue], at: 2)
        // Services and entrypoints learn of it so.
        profile.environment.append("\(ServiceAddress.defectVariable)=\(defect.rawValue)")
        (name, summary, profiles, cause) = (defect.rawValue, defect.summary, [profile], defect.cause)
        // A sweep is many runs, and a policy is the runtime's: for defects that these can say something about.
        isAsked = { scenario, _ in defect.isOfEntrypoint || !(scenario.sweeps || scenario.isAboutPolicy) }
    }

    /// A runtime with one thing wrong, and nothing wrong in the container.
    init(_ defect: RuntimeDefect, with reference: InitProfile) {
        (name, summary, profiles) = (defect.rawValue, defect.summary, [reference, .none])
        rules = defect.rules
        // Without an init only where that is what the scenario is about.
        isAsked = { scenario, profile in
            scenario.runtime ?? .docker == .docker && ["restart", "requests"].contains(where: scenario.tags.contains)
                && !scenario.sweeps
                && (defect.isOfClock || !scenario.isAboutDelays)
                && (profile.name != "none" || !scenario.inits.isEmpty)
        }
    }
}

extension Subject {
    /// A runtime with one rule broken, asked of the scenarios that are about it.
    init(_ defect: RuleDefect, with reference: InitProfile) {
        self.init(reference: reference)
        (name, summary, profiles, hasDefect) = (defect.rawValue, defect.summary, [reference, .none], true)
        rules = defect.rules
        isAsked = { scenario, profile in scenario.runtime == defect.runtime && scenario.inits.contains(profile.name) }
    }
}

extension Scenario {
    var sweeps: Bool { steps.contains { if case .sweep = $0.action { true } else { false } } }

    var isAboutPolicy: Bool { restart != .no || tags.contains("daemon") }
    var isAboutDelays: Bool { steps.contains { $0.condition?.kind == .restartDelays } }

    /// What covers no row is named by its theme.
    var nameInTable: String { row == title ? theme : row }
}

/// Of many scenarios that ask the same of different values, a few.
let scenariosPerFile = 6

/// Those of the runtimes ask different things, each.
func sample(_ scenarios: [Scenario]) -> [Scenario] {
    var byFile: [String: [Scenario]] = [:]
    for scenario in scenarios where scenario.theme != "runtimes" {
        byFile[scenario.place.file, default: []].append(scenario)
    }
    let ofRuntimes = scenarios.filter { $0.theme == "runtimes" }
    return byFile.sorted { $0.key < $1.key }.flatMap { _, own in
        let step = max(1, (own.count + scenariosPerFile - 1) / scenariosPerFile)
        return stride(from: 0, to: own.count, by: step).map { own[$0] }
    } + ofRuntimes
}

func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(1, width - text.count)) }

prepareProcess()
let installation = Installation.find(fakeServices: nil)
var suite = Suite()
suite.addScenarios(at: installation.scenarios ?? "scenarios")
suite.addProfiles(at: (installation.scenarios ?? "scenarios") + "/inits")
guard suite.complaints.isEmpty, let reference = suite.profiles.first(where: { $0.name == "reference" }),
    let group = suite.profiles.first(where: { $0.name == "reference-g" })
else {
    for complaint in suite.complaints { print(complaint.humanText()) }
    exit(2)
}
let only = CommandLine.arguments.dropFirst()
let defects =
    Defect.allCases.map { Subject($0, of: $0.isOfGroupMode ? group : reference) }
    + RuntimeDefect.allCases.map { Subject($0, with: reference) }
    + RuleDefect.allCases.map { Subject($0, with: reference) }
let subjects =
    [Subject(reference: reference), Subject(reference: group)]
    + defects.filter { only.isEmpty || only.contains($0.name) }

let scenarios = sample(suite.scenarios)
let questions = subjects.map { subject in
    scenarios.flatMap { scenario in
        subject.profiles.filter { subject.isAsked(scenario, $0) }.map {
            Session.Job(scenario, $0, rules: subject.rules)
        }
    }
}
/// Ensembles whose rules are broken on purpose wait for what never comes: no right one takes so long.
let patienceWithGroups = Duration.seconds(60)
var results: [RunResult] = []
do {
    let session = try Session.interruptible(
        fakeServices: installation.fakeServices, patienceWithGroups: patienceWithGroups)
    results = try session.run(questions.flatMap(\.self), atOnce: Session.usualLimit, keepsJournals: false)
    session.close()
} catch {
    print(error)
    exit(3)
}
guard results.count == questions.map(\.count).reduce(0, +) else { exit(130) }

var survivors: [String] = []
/// What was put down to another cause, or to none.
var misnamed: [String] = []
var isReferenceRight = true
/// By row, who fails it.
var caught: [String: [String]] = [:]
var rest = results[...]
for (subject, jobs) in zip(subjects, questions) {
    let own = rest.prefix(jobs.count)
    rest = rest.dropFirst(own.count)
    let bad = own.filter(\.isBad)
    guard subject.hasDefect else {
        let applicable = own.count { if case .notApplicable = $0.verdict { false } else { true } }
        print("\(pad(subject.name, 32))passes \(applicable - bad.count) of \(applicable) that apply")
        for result in bad { print("    \(result.scenario.place): \(result.scenario.title): \(result.verdict)") }
        if !bad.isEmpty { isReferenceRight = false }
        continue
    }
    var rows: [String] = []
    for name in bad.map(\.scenario.nameInTable) where !rows.contains(name) { rows.append(name) }
    for row in Set(bad.flatMap(\.scenario.tags)) { caught[row, default: []].append(subject.name) }
    if rows.isEmpty { survivors.append(subject.name) }
    let text = rows.isEmpty ? "SURVIVES" : rows.prefix(6).joined(separator: " ") + (rows.count > 6 ? " …" : "")
    print("\(pad(subject.name, 32))\(pad(text, 38))\(subject.summary)")
    guard let cause = subject.cause, !bad.isEmpty else { continue }
    let findings = RunReport(
        results: Array(own), skipped: [], witness: own.first?.journal.witness ?? .tracefs, jobs: 1, duration: .zero
    )
    .findings.first
    let named = (findings?.causes ?? []).map { ($0.found.cause.id, $0.results) }
    if named.first?.0 != cause { misnamed.append("\(subject.name): \(cause) is not named first") }
    for (other, results) in named where other != cause {
        misnamed.append(
            "\(subject.name): \(other) is named for \(results.map { "\($0.scenario.place)" }.joined(separator: ", "))")
    }
}

// The rows about restarts, volumes and markers: what each of them catches.
var idle: [String] = []
print("")
for row in (1...14).map({ "RS\($0 < 10 ? "0" : "")\($0)" }) + (1...9).map({ "MI0\($0)" }) {
    let names = caught[row] ?? []
    if names.isEmpty { idle.append(row) }
    let text = names.isEmpty ? "NOTHING" : names.prefix(4).joined(separator: " ") + (names.count > 4 ? " …" : "")
    print("\(pad(row, 8))catches \(text)")
}
print("")
for line in misnamed { print(line) }
let named = subjects.count { $0.cause != nil }
print(
    "\(named) defects of inits, \(named - Set(misnamed.map { $0.prefix { $0 != ":" } }).count) of them named by their own cause and no other"
)
print("\(subjects.count - 2) defects, \(subjects.count - 2 - survivors.count) caught, \(survivors.count) survive")
exit(survivors.isEmpty && misnamed.isEmpty && isReferenceRight && (idle.isEmpty || !only.isEmpty) ? 0 : 1)
