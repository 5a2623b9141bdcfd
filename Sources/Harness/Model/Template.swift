/// Text with places for what a service is: how a profile's files tell an init of its services.
///
/// A line with a place for which there is no value is left out; one for which there are several is there several times.
public struct Template: Sendable {
    /// What an init has to know of one service.
    public struct Subject: Sendable {
        public let name: String
        /// The services that it comes after.
        public let after: [String]
        /// Three words, none of which needs quoting.
        public let command: String
        public let kind: Service.Kind
        public let pidFile: String?
        /// Counted from 1, in the order in which services start.
        public let position: Int

        public init(
            name: String, after: [String], command: String, kind: Service.Kind, pidFile: String?, position: Int
        ) {
            self.name = name
            self.after = after
            self.command = command
            self.kind = kind
            self.pidFile = pidFile
            self.position = position
        }

        /// What stands for each place.
        var values: [String: [String]] {
            [
                "name": [name], "after": after, "command": [command], "kind": [kind.rawValue],
                "pidfile": pidFile.map { [$0] } ?? [], "position": [String(position)],
            ]
        }
    }

    /// The places of a text that is there once, and of one that is there for each service.
    private static let placesForAll = ["names"]
    private static let placesForEach = ["name", "after", "command", "kind", "pidfile", "position"]
    private static let conditions = Service.Kind.allCases.map { "{if \($0.rawValue)}" }

    /// A text for one service.
    public static func filled(_ text: String, for subject: Subject) -> String {
        filled(text, subject.values, kind: subject.kind)
    }

    /// A text that is there once; `{names}` stands for the names of all services.
    public static func filled(_ text: String, names: [String]) -> String {
        filled(text, ["names": [names.joined(separator: " ")]], kind: nil)
    }

    private static func filled(_ text: String, _ values: [String: [String]], kind: Service.Kind?) -> String {
        var result = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            var line = line
            if let condition = conditions.first(where: line.hasPrefix) {
                if condition != kind.map({ "{if \($0.rawValue)}" }) { continue }
                line.removeFirst(condition.count)
            }
            for filled in lines(line, values) { result += filled + "\n" }
        }
        // The text had a newline for each line but the last piece.
        if !result.isEmpty { result.removeLast() }
        return result
    }

    private static func lines(_ line: String, _ values: [String: [String]]) -> [String] {
        var result = [line]
        for (name, alternatives) in values {
            let place = "{\(name)}"
            result = result.flatMap { line in
                line.contains(place) ? alternatives.map { line.replacing(place, with: $0) } : [line]
            }
        }
        return result
    }

    /// What is wrong with a text: places that mean nothing where they are.
    public static func problems(in file: File, isForEach: Bool) -> [String] {
        let known = (isForEach ? placesForEach : placesForAll).map { "{\($0)}" } + (isForEach ? conditions : [])
        let others = (isForEach ? placesForAll : placesForEach).map { "{\($0)}" } + (isForEach ? [] : conditions)
        let inPath = placesForEach.map { "{\($0)}" }.filter { $0 != "{name}" && file.path.contains($0) }.map { place in
            "'\(place)' has no meaning in a path: there '{name}' is the service's name"
        }
        return inPath
            + others.filter { !known.contains($0) && file.text.contains($0) }.map { place in
                "'\(place)' has no meaning in a text that is there \(isForEach ? "for each service" : "once")"
            }
    }
}

extension File {
    /// Whether there is one of it for each service.
    public var isForEachService: Bool { path.contains("{name}") }
}

extension InitProfile {
    /// Whether it learns of its services from files.
    public var isToldOfServicesByFiles: Bool {
        !additions.isEmpty || files.contains(where: \.isForEachService) || command.contains("{names}")
    }

    /// Whether there is a place for a command that is no service.
    public var hasPlaceForCommand: Bool {
        command.isEmpty || command.contains("{command}") || command.contains("{services}")
    }
}
