@_exported import Harness

/// What a scenario is checked against.
public struct InitUnderTest: Sendable {
    private let find: @Sendable () throws -> InitProfile

    /// The correct reference init.
    public static var reference: InitUnderTest { named("reference") }
    public static var tini: InitUnderTest { named("tini") }
    public static var dumbInit: InitUnderTest { named("dumb-init") }
    public static var catatonit: InitUnderTest { named("catatonit") }
    /// No init: the command, or the first service, is PID 1 itself.
    public static var none: InitUnderTest { profile(.none) }

    /// An init whose profile comes with the harness.
    public static func named(_ name: String) -> InitUnderTest {
        InitUnderTest {
            var suite = Suite()
            suite.addProfiles(at: Sources.scenarios + "/inits")
            if let profile = suite.profiles.first(where: { $0.name == name }) { return profile }
            let known = suite.profiles.map(\.name).joined(separator: ", ")
            throw InvalidScenario(description: "there is no init '\(name)'; there are \(known)")
        }
    }

    /// An init whose profile is in a file.
    public static func profile(at path: String) -> InitUnderTest {
        InitUnderTest {
            var suite = Suite()
            suite.addProfiles(at: path)
            if let profile = suite.profiles.first, suite.complaints.isEmpty { return profile }
            throw InvalidScenario(
                description: suite.complaints.first?.humanText() ?? "there is no init in \(path)")
        }
    }

    /// An init by its profile.
    public static func profile(_ profile: InitProfile) -> InitUnderTest { InitUnderTest { profile } }

    /// An init by its command line.
    ///
    /// - Parameters:
    ///   - command: the program and its arguments, in which `{command}` stands for the child's command; it is appended
    ///     where that is nowhere.
    ///   - abilities: what it can do besides forwarding, reaping and leaving with the exit status. An init that looks after several services needs a
    ///     profile, which says how it is told of them.
    public static func command(_ command: [String], abilities: Set<Ability> = []) -> InitUnderTest {
        InitUnderTest {
            guard abilities.isDisjoint(with: [.supervision, .ordering]) else {
                throw InvalidScenario(
                    description: "an init given by its command line has one child: supervision takes a profile")
            }
            var profile = InitProfile.unknown(command: command)
            profile.abilities.formUnion(abilities)
            return profile
        }
    }

    func profile() throws -> InitProfile { try find().withAbsoluteProgram }
}

/// A scenario that cannot be run as it is, and everything that is wrong with it.
public struct InvalidScenario: Error, CustomStringConvertible {
    public let description: String
}

/// Where the sources of the harness are: a package that depends on it has been built from them.
enum Sources {
    private static let root: String = {
        // …/Sources/Harness/Testing/InitUnderTest.swift
        #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }
    }()

    static let scenarios = root + "/scenarios"
}
