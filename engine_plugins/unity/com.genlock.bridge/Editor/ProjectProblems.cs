using System.Collections.Generic;
using UnityEditor;

namespace Genlock.Editor
{
    /// <summary>What is wrong with a project, for what is drawn often: files and pictures are read once a second at most.</summary>
    internal sealed class ProjectProblems
    {
        private const double Seconds = 1.0;

        private GenlockClient _client;
        private IList<string> _found = new string[0];
        private double _next;

        internal IList<string> Of(GenlockClient client)
        {
            var now = EditorApplication.timeSinceStartup;
            if (client != _client || now >= _next)
            {
                _client = client;
                _next = now + Seconds;
                _found = ProjectCheck.Problems(ProjectReader.Read(client));
            }
            return _found;
        }

        /// <summary>Something was changed: what was found may not hold.</summary>
        internal void Forget()
        {
            _next = 0.0;
        }
    }
}
