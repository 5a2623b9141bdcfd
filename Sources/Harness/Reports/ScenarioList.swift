import FoundationEssentials
import Model

extension Scenario {
    /// What it asks of an init, whether it is written or follows from its services.
    fileprivate var needs: [Ability] {
        Ability.allCases.filter { requirements.contains($0) }
    }
}

/// What `harness list` prints: a line for each scenario, under the file that it is in.
public func scenarioList(_ scenarios: [Scenario]) -> String {
    var result = ""
    var file: String?
    for scenario in scenarios {
        if scenario.place.file != file {
            result += "\(file == nil ? "" : "\n")\(scenario.place.file)\n"
            file = scenario.place.file
        }
        result += "  \(scenario.place.line): \(Spelling.quoted(scenario.title))"
        if !scenario.tags.isEmpty { result += "  [\(scenario.tags.joined(separator: ", "))]" }
        if !scenario.needs.isEmpty { result += "  needs \(scenario.needs.map(\.rawValue).joined(separator: ", "))" }
        if let runtime = scenario.runtime { result += "  on \(runtime.rawValue)" }
        result += "\n"
    }
    return result + (scenarios.isEmpty ? "" : "\n")
        + (scenarios.count == 1 ? "1 scenario\n" : "\(scenarios.count) scenarios\n")
}

/// What `harness list --format json` prints.
public func jsonScenarioList(_ scenarios: [Scenario]) throws -> String {
    try encoded(EncodedList(scenarios: scenarios.map(EncodedScenario.init)))
}

private struct EncodedList: Encodable {
    var schema = "harness.list/1"
    let scenarios: [EncodedScenario]
}

private struct EncodedScenario: Encodable {
    let title: String
    let file: String
    let line: Int
    let description: String
    let tags: [String]
    let needs: [String]
    let runtime: String

    init(_ scenario: Scenario) {
        title = scenario.title
        file = scenario.place.file
        line = scenario.place.line
        description = scenario.summary
        tags = scenario.tags
        needs = scenario.needs.map(\.rawValue)
        runtime = (scenario.runtime ?? .docker).rawValue
    }
}
