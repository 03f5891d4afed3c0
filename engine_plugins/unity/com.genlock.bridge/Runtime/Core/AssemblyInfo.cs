using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Genlock.Core.Tests")]
[assembly: InternalsVisibleTo("Genlock.Unity")]
[assembly: InternalsVisibleTo("Genlock.Unity.Tests")]
