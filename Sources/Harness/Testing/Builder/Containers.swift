import Harness

/// One of several containers: a service of a Compose project, a container of a pod.
public struct Container: ScenarioPart {
    private let member: Member

    /// - Parameters:
    ///   - name: letters, digits, `-` and `_`.
    ///   - role: what it is to its pod.
    ///   - dependencies: what it waits for (Compose's depends_on).
    ///   - parts: its settings and its services.
    public init(
        _ name: String, _ role: Member.Role = .main, dependsOn dependencies: [Member.Dependency] = [],
        filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        var member = Member(name: name, role: role, place: SourcePlace(file: filePath, line: line, column: column))
        member.dependencies = dependencies
        for part in parts() { part.add(to: &member.scenario) }
        self.member = member
    }

    /// Puts the container after those that are there.
    public func add(to scenario: inout Scenario) { scenario.members.append(member) }
}

extension HealthCheck: ScenarioPart {
    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.healthCheck = self }
}

/// Steps in one of several containers.
public struct In: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter container: its name.
    public init(
        _ container: String, filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        step = Step(
            .within(container: container, parts().steps),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Stops every container and removes it.
public struct Down: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// Volumes stay.
    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.down, place: SourcePlace(file: filePath, line: line, column: column))
    }
}
