using System.Collections.Generic;
using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>Project Settings, Genlock: the address for new clients, and what is wrong with the project.</summary>
    internal static class GenlockSettings
    {
        internal const string Path = "Project/Genlock";

        private static readonly ProjectProblems Problems = new ProjectProblems();

        [SettingsProvider]
        internal static SettingsProvider Provide()
        {
            return new SettingsProvider(Path, SettingsScope.Project)
            {
                label = "Genlock",
                keywords = new HashSet<string> { "Genlock", "VR", "WebSocket", "daemon" },
                guiHandler = Draw,
            };
        }

        private static void Draw(string search)
        {
            var settings = GenlockProjectSettings.instance;
            settings.Url = EditorGUILayout.TextField("Address for new clients", settings.Url);
            var client = GenlockClient.Find();
            if (client == null)
            {
                EditorGUILayout.HelpBox("No GenlockClient is in the open scenes.", MessageType.Info);
                if (GUILayout.Button("Add one"))
                {
                    GenlockMenu.AddClient();
                }
                return;
            }
            var problems = Problems.Of(client);
            foreach (var problem in problems)
            {
                EditorGUILayout.HelpBox(problem, MessageType.Warning);
            }
            if (problems.Count == 0)
            {
                EditorGUILayout.HelpBox("Nothing is wrong that could be found.", MessageType.Info);
            }
        }
    }
}
