// Runs the conformance suite against every init that is installed, prints the matrix, and compares which rows each fails, in
// whole or in part, with verdicts.txt, a line for each init: its name, its version, the rows. Exit status 1 where they differ.
// What another version does is not known: it is told, and no difference. `--write` writes the file anew.
import Glibc
import Harness

/// A line of the file.
struct Line {
    let name: String
    let version: String
    let rows: [String]

    init(name: String, version: String, rows: [String]) {
        (self.name, self.version, self.rows) = (name, version, rows)
    }

    init?(_ text: Substring) {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmed }
        guard parts.count == 3 else { return nil }
        (name, version) = (parts[0], parts[1])
        rows = parts[2].split(separator: ",").map { $0.trimmed }
    }

    var text: String { "\(name) | \(version) | \(rows.joined(separator: ", "))\n" }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return String(decoding: bytes, as: UTF8.self)
}

func write(_ text: String, to path: String) {
    guard let file = fopen(path, "w") else { return perror(path) }
    fputs(text, file)
    fclose(file)
}

prepareProcess()
let path = "Tests/Verdicts/verdicts.txt"
guard let golden = read(path) else {
    perror(path)
    exit(2)
}
let installation = Installation.find(fakeServices: nil)
var suite = Suite()
suite.addScenarios(at: installation.scenarios ?? "scenarios")
suite.addProfiles(at: (installation.scenarios ?? "scenarios") + "/inits")
guard suite.complaints.isEmpty else {
    for complaint in suite.complaints { print(complaint.humanText()) }
    exit(2)
}
let all = (suite.profiles + [.none]).map { (profile: $0, reason: $0.reasonNotInstalled) }
let profiles = all.filter { $0.reason == nil }.map(\.profile)
var report: RunReport
let versions: [String: String]
do {
    let session = try Session.interruptible(fakeServices: installation.fakeServices)
    let clock = ContinuousClock()
    let began = clock.now
    let jobs = profiles.flatMap { profile in suite.scenarios.map { Session.Job($0, profile) } }
    let atOnce = Session.usualLimit
    let results = try session.run(jobs, atOnce: atOnce, keepsJournals: false)
    if results.count < jobs.count { exit(130) }
    report = RunReport(
        results: results, skipped: all.compactMap { entry in entry.reason.map { (entry.profile.name, $0) } },
        witness: session.witness, jobs: atOnce, duration: clock.now - began)
    versions = try session.versions(of: profiles)
    session.close()
} catch {
    print(error)
    exit(3)
}
print(HumanReport(isColoured: false, detail: .quiet).text(report), terminator: "")

let observed = profiles.map { profile in
    Line(
        name: profile.name, version: versions[profile.name] ?? "",
        rows: Set(report.results.filter { $0.initName == profile.name && $0.isBad }.map(\.scenario.row)).sorted())
}
if CommandLine.arguments.dropFirst() == ["--write"] {
    write(observed.sorted { $0.name < $1.name }.map(\.text).joined(), to: path)
    exit(0)
}
let known = golden.split(separator: "\n").compactMap(Line.init)
var differences: [RunResult] = []
for result in report.results { if case .error(let reason) = result.verdict { print("\(result.initName): \(reason)") } }
var differs = report.counts.errors > 0
for line in observed {
    guard let expected = known.first(where: { $0.name == line.name }) else {
        print("\(line.name): not in \(path)")
        differs = true
        continue
    }
    if line.rows == expected.rows { continue }
    print("\(line.name) fails \(line.rows.joined(separator: ", "))")
    print("    expected \(expected.rows.joined(separator: ", "))")
    guard line.version == expected.version else {
        print("    of version '\(expected.version)'; this is '\(line.version)'")
        continue
    }
    differs = true
    differences += report.results.filter {
        $0.initName == line.name && $0.isBad && !expected.rows.contains($0.scenario.row)
    }
}
report.results = differences
if !differences.isEmpty { print(HumanReport(isColoured: false, detail: .normal).text(report)) }
print(differs ? "the verdicts differ from \(path)" : "the verdicts are those of \(path)")
exit(differs ? 1 : 0)
