import Model

/// Finds the results of the same init and scenario in another run.
///
/// A scenario is the same where its title and its file are. A file that is written in another way, because the other run was made in another
/// folder, is the same where only one file of that name has a scenario of that title.
struct ResultIndex: Sendable {
    private var byFile: [String: [RunResult]] = [:]
    private var byName: [String: [RunResult]] = [:]

    init(_ results: [RunResult]) {
        for result in results {
            byFile[ResultIndex.key(result.subject, result.scenario, result.scenario.place.file), default: []].append(
                result)
            byName[ResultIndex.shortKey(result.subject, result.scenario), default: []].append(result)
        }
    }

    /// In the order in which they were made.
    ///
    /// - Parameter subject: the init, with its runtime where that is not the usual one.
    func results(of scenario: Scenario, on subject: String) -> [RunResult] {
        if let own = byFile[ResultIndex.key(subject, scenario, scenario.place.file)] { return own }
        let near = byName[ResultIndex.shortKey(subject, scenario)] ?? []
        return Set(near.map(\.scenario.place.file)).count == 1 ? near : []
    }

    private static func shortKey(_ subject: String, _ scenario: Scenario) -> String {
        key(subject, scenario, scenario.place.file.split(separator: "/").last.map(String.init) ?? "")
    }

    static func key(_ subject: String, _ scenario: Scenario, _ file: String) -> String {
        "\(subject)\u{0}\(file)\u{0}\(scenario.title)"
    }
}
