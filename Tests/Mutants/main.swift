// Runs the conformance suite against the reference with each of its defects, and prints which scenario catches which.
// Exit status 1 when a defect survives, or when the reference itself fails. `make mutants`.
import Glibc
import Harness
import ServiceProtocol

/// The reference init with one thing wrong, or nothing.
struct Subject {
    let profile: InitProfile
    let defect: Defect?

    /// - Precondition: the command of the profile is `fake-services init …`.
    init(_ profile: InitProfile, _ defect: Defect?) {
        var profile = profile
        if let defect {
            precondition(profile.command.dropFirst().first == "init", "\(profile.command) is not the reference")
            profile.command.insert(contentsOf: ["--defect", defect.rawValue], at: 2)
            // Services and entrypoints learn of it so.
            profile.environment.append("\(ServiceAddress.defectVariable)=\(defect.rawValue)")
        }
        self.profile = profile
        self.defect = defect
    }
}

/// Of many scenarios that ask the same of different values, a few.
let scenariosPerFile = 6

func sample(_ scenarios: [Scenario]) -> [Scenario] {
    var byFile: [String: [Scenario]] = [:]
    for scenario in scenarios { byFile[scenario.place.file, default: []].append(scenario) }
    return byFile.sorted { $0.key < $1.key }.flatMap { _, own in
        let step = max(1, (own.count + scenariosPerFile - 1) / scenariosPerFile)
        return stride(from: 0, to: own.count, by: step).map { own[$0] }
    }
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
let defects = Defect.allCases.filter { only.isEmpty || only.contains($0.rawValue) }
let subjects =
    [Subject(reference, nil), Subject(group, nil)]
    + defects.map { Subject($0.isOfGroupMode ? group : reference, $0) }
/// A sweep is many runs: for defects that it can say something about.
func isAsked(_ scenario: Scenario, of subject: Subject) -> Bool {
    let sweeps = scenario.steps.contains { if case .sweep = $0.action { true } else { false } }
    return !sweeps || subject.defect?.isOfEntrypoint ?? true
}

let scenarios = sample(suite.scenarios)
let session: Session
let results: [RunResult]
var expected = 0
do {
    session = try Session.interruptible(fakeServices: installation.fakeServices)
    let jobs = subjects.flatMap { subject in
        scenarios.filter { isAsked($0, of: subject) }.map { Session.Job($0, subject.profile) }
    }
    expected = jobs.count
    results = try session.run(jobs, atOnce: 40, keepsJournals: false)
    session.close()
} catch {
    print(error)
    exit(3)
}
guard results.count == expected else { exit(130) }
var rest = results[...]

var survivors: [Defect] = []
var isReferenceRight = true
for subject in subjects {
    let own = rest.prefix(scenarios.count { isAsked($0, of: subject) })
    rest = rest.dropFirst(own.count)
    let bad = own.filter(\.isBad)
    guard let defect = subject.defect else {
        let applicable = own.count { if case .notApplicable = $0.verdict { false } else { true } }
        print("\(pad(subject.profile.name, 32))passes \(applicable - bad.count) of \(applicable) that apply")
        for result in bad { print("    \(result.scenario.place): \(result.scenario.title): \(result.verdict)") }
        if !bad.isEmpty { isReferenceRight = false }
        continue
    }
    if bad.isEmpty { survivors.append(defect) }
    var rows: [String] = []
    for result in bad {
        let scenario = result.scenario
        // What covers no row is named by its theme.
        let name = scenario.row == scenario.title ? scenario.theme : scenario.row
        if !rows.contains(name) { rows.append(name) }
    }
    let caught = rows.isEmpty ? "SURVIVES" : rows.prefix(6).joined(separator: " ") + (rows.count > 6 ? " …" : "")
    print("\(pad(defect.rawValue, 32))\(pad(caught, 38))\(defect.summary)")
}
print("\(defects.count) defects, \(defects.count - survivors.count) caught, \(survivors.count) survive")
exit(survivors.isEmpty && isReferenceRight ? 0 : 1)
