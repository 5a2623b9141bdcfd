import Harness

/// The command line of `harness diagnose`, read.
struct DiagnoseOptions {
    private(set) var container = ContainerOptions()
    private(set) var starts = 4
    private(set) var lasting = Duration.seconds(3)
    private(set) var scenarioFile: String?
    private var command: [String] = []

    init(_ arguments: [String]) throws(BadUsage) {
        container.scenario.restart = .always
        try DiagnoseOptions.table.read(arguments, into: &self)
        if command.isEmpty, container.scenario.settings.image == nil, container.entrypoint == nil {
            throw BadUsage(message: "no command after '--'")
        }
    }

    /// Loads the container's image, and makes its command line.
    ///
    /// - Throws: `CannotRun`.
    mutating func load(in session: Session) throws { _ = try container.load(command, in: session) }

    static let table = OptionTable<DiagnoseOptions>(
        verb: "diagnose", options: ContainerOptions.all.map { $0.within(\.container) } + own,
        operand: { (_, word) throws(BadUsage) in
            throw BadUsage(message: "'\(word)' is not an option: the command goes after '--'")
        }, afterDashes: { $0.command = $1 })

    private static let own: [Option<DiagnoseOptions>] = [
        Option("--starts", takes: "N", "how many starts are proof of a loop (default: 4)") {
            (options, text) throws(BadUsage) in
            options.starts = try Values.number("--starts", text, in: 2...20)
        },
        Option(
            "--for", takes: "D", "a life of this length without anything new is proof that it is stable (default: 3s)"
        ) {
            (options, text) throws(BadUsage) in options.lasting = try Values.duration("--for", text)
        },
        Option("--scenario", takes: "FILE", "write what was done as a scenario") { $0.scenarioFile = $1 },
    ]
}
